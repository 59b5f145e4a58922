import { create, toBinary } from "@bufbuild/protobuf";
import { raft } from "../../api/mod.ts";
import type { Message } from "../raft/mod.ts";
import { encodeMessages, encodeMessagesBehind } from "./codec.ts";
import { FRAME, FRAME_HEAD_BYTES, framed, putFrameHead } from "./frames.ts";
import { type Hello, helloMessage } from "./hello.ts";

/** What a member sends to a peer at once. */
export interface OutgoingBatch {
  /** Place in the stream, from 1. */
  readonly sequence: number;
  /** Where there is news of it. */
  readonly hello: Hello | undefined;
  readonly messages: readonly Message[];
  readonly calls: raft.PeerCall[];
  /** 0 for none. */
  readonly probeAnswered: bigint;
}

/** The form for HTTP/2. */
export function batchMessage(batch: OutgoingBatch): raft.RaftBatch {
  const { sequence, hello, messages, calls, probeAnswered } = batch;
  return create(raft.RaftBatchSchema, {
    sequence: BigInt(sequence),
    messages: messages.length > 0 ? encodeMessages(messages) : new Uint8Array(0),
    calls,
    probeAnswered,
    ...(hello === undefined ? {} : { hello: helloMessage(hello) }),
  });
}

/** The form of the members' own protocol; most batches are Raft messages alone. */
export function batchFrame(batch: OutgoingBatch): Uint8Array<ArrayBuffer> {
  const { hello, messages, calls, probeAnswered } = batch;
  const isMessagesAlone = messages.length > 0 && hello === undefined && calls.length === 0 &&
    probeAnswered === 0n;
  if (!isMessagesAlone) {
    return framed(FRAME.batch, toBinary(raft.RaftBatchSchema, batchMessage(batch)));
  }
  const frame = encodeMessagesBehind(FRAME_HEAD_BYTES, messages);
  putFrameHead(frame, FRAME.messages);
  return frame;
}
