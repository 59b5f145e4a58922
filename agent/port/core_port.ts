/**
 * The core's end of the message port to the network worker. What arrives here comes from the part
 * that talks to strangers, so every frame is measured before it is decoded and checked before it is
 * used. It owns the subscription to the port's messages and ends with `close`.
 */

import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { agentport } from "../../api/mod.ts";
import { checkWorkerFrame } from "./frame_bounds.ts";
import { FrameError } from "./frame_error.ts";
import type { ByteChannel } from "./worker_port.ts";

/** Largest frame taken from the worker, in bytes: an overlay with room to spare. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** Most frames handled at once; the worker is told to slow down by credit long before. */
const MAX_PENDING = 1024;

/** A frame on its way to the worker. */
export type CoreFrameContent = NonNullable<
  MessageInitShape<typeof agentport.CoreFrameSchema>["frame"]
>;

/** Receives what the worker says. */
export interface CorePortEvents {
  onFrame(frame: agentport.WorkerFrame["frame"]): void | Promise<void>;
  /** A frame that was in order, but could not be carried out. */
  onFailure(error: unknown): void;
  /**
   * A frame that breaks a rule: the worker is broken or hostile, and must be replaced. Nothing of it
   * is heard any more.
   */
  onViolation(error: FrameError): void;
}

/** The core's side of the port. */
export interface CorePort {
  send(frame: CoreFrameContent): void;
  close(): void;
}

/** Opens the port. */
export function openCorePort(
  channel: ByteChannel & { removeEventListener: ByteChannel["addEventListener"] },
  events: CorePortEvents,
): CorePort {
  let pending = 0;
  const listener = ({ data }: MessageEvent) => {
    try {
      if (pending >= MAX_PENDING) {
        throw new FrameError(`more than ${MAX_PENDING} frames unanswered`);
      }
      const frame = readFrame(data);
      pending++;
      carryOut(events, frame).finally(() => pending--);
    } catch (error) {
      channel.removeEventListener("message", listener);
      events.onViolation(error instanceof FrameError ? error : new FrameError("undecodable frame"));
    }
  };
  channel.addEventListener("message", listener);
  return {
    send: (frame) => {
      const message = create(agentport.CoreFrameSchema, { frame });
      channel.postMessage(toBinary(agentport.CoreFrameSchema, message));
    },
    close: () => channel.removeEventListener("message", listener),
  };
}

async function carryOut(
  events: CorePortEvents,
  frame: agentport.WorkerFrame["frame"],
): Promise<void> {
  try {
    await events.onFrame(frame);
  } catch (error) {
    if (error instanceof FrameError) events.onViolation(error);
    else events.onFailure(error);
  }
}

function readFrame(data: unknown): agentport.WorkerFrame["frame"] {
  if (!(data instanceof Uint8Array)) throw new FrameError("a frame must be bytes");
  if (data.byteLength > MAX_FRAME_BYTES) {
    throw new FrameError(`frame of ${data.byteLength} bytes, at most ${MAX_FRAME_BYTES} are taken`);
  }
  const { frame } = fromBinary(agentport.WorkerFrameSchema, data);
  checkWorkerFrame(frame);
  return frame;
}
