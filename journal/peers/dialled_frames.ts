/** One connection to a peer in the members' own protocol, from its handshake to its end. */
import type { Socket } from "node:net";
import { fromBinary } from "@bufbuild/protobuf";
import { raft } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { errorOfWire } from "./call_error.ts";
import { CodecError } from "./codec.ts";
import { FrameSocket } from "./frame_socket.ts";
import { FRAME, type Frame } from "./frames.ts";
import { batchFrame } from "./outgoing_batch.ts";
import type { Conversation } from "./conversation.ts";
import { BATCH_MAX_BYTES } from "./bounds.ts";

/**
 * Speaks with the peer until it goes.
 *
 * @throws what the peer says that it ends the connection for, and what breaks it
 */
export async function converseInFrames(
  socket: Socket,
  { stream, onAnswer, signal }: Conversation,
  clock: Clock,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const connection = new FrameSocket(socket, {
    bodyMaxBytes: BATCH_MAX_BYTES,
    next: () => {
      const batch = stream.take();
      return batch && batchFrame(batch);
    },
    onFrame: (frame) => onAnswer(readAnswer(frame)),
    onRefused: reject,
    onGone: (error) => error === undefined ? resolve() : reject(broken(error.message, error)),
    clock,
  });
  const onAbort = () => {
    connection.end();
    reject(broken("it was ended here"));
  };
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  stream.carry(() => connection.flushSoon());
  connection.flushSoon();
  await promise;
}

function broken(why: string, cause?: Error): PactError {
  return new PactError("UNAVAILABLE", `UNAVAILABLE: the connection broke: ${why}`, { cause });
}

/** @throws {PactError} when the peer says that it ends the connection; CodecError for other frames */
function readAnswer({ kind, body }: Frame): raft.RaftAnswer {
  if (kind === FRAME.end) throw errorOfWire(fromBinary(raft.PeerCallErrorSchema, body));
  if (kind !== FRAME.answer) throw new CodecError(`a frame of kind ${kind} from who was dialled`);
  return fromBinary(raft.RaftAnswerSchema, body);
}
