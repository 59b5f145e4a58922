import type { raft } from "../../api/mod.ts";
import type { DialledStream } from "./dialled_stream.ts";

/** What is said on a connection that this member has opened, whatever carries it. */
export interface Conversation {
  readonly stream: DialledStream;
  /** Takes the peer's answers one after the other. What it throws ends the connection. */
  readonly onAnswer: (answer: raft.RaftAnswer) => void | Promise<void>;
  /** Ends the connection. */
  readonly signal: AbortSignal;
}
