import type { Disk } from "../disk/mod.ts";
import type { DiskWork } from "../member/mod.ts";
import type { Entry, Message, NodeId, RaftStatus } from "../raft/mod.ts";
import type { WalRecovered } from "../wal/mod.ts";
import type { MemoryState } from "./memory_state.ts";

/**
 * Where the parts of a simulated member meet. Each function is given what one part hands to
 * another and says what arrives there: the same, except in a simulation that shall go wrong.
 */
export interface Seams {
  /** From the log to the disk. */
  readonly disk: (disk: Disk) => Disk;
  /** From the core to the log. */
  readonly write: (work: DiskWork, id: NodeId) => DiskWork;
  /** Whether the core's answers to others wait until the log has written. */
  readonly writesBeforeAnswering: boolean;
  /** From the log to the core, when a member starts. */
  readonly recovered: (log: WalRecovered) => WalRecovered;
  /** From the core to the network. */
  readonly send: (message: Message, status: () => RaftStatus) => Message;
  /** From the network to the core. */
  readonly receive: (message: Message) => Message;
  /** From the core to the state machine. */
  readonly apply: (entries: readonly Entry[]) => readonly Entry[];
  /** From the state database to the state machine, when a member starts. */
  readonly open: (state: MemoryState) => MemoryState;
  /** From a snapshot to the state machine. */
  readonly restore: (state: MemoryState) => MemoryState;
  /** From a client's request to its place in the log. */
  readonly requestId: (id: string, attempt: number) => string;
  /** Whether a member that comes back with another disk is told from the one it was. */
  readonly tellsDirectoriesApart: boolean;
  /** Whether a linearizable read asks the leader where it stands. */
  readonly asksBeforeReading: boolean;
}

/** Parts that hand on what they were given. */
export const FAITHFUL: Seams = {
  disk: (disk) => disk,
  write: (work) => work,
  writesBeforeAnswering: true,
  recovered: (log) => log,
  send: (message) => message,
  receive: (message) => message,
  apply: (entries) => entries,
  open: (state) => state,
  restore: (state) => state,
  requestId: (id) => id,
  tellsDirectoriesApart: true,
  asksBeforeReading: true,
};
