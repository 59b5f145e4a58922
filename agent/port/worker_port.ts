/**
 * The worker's end of the message port to the core. It owns nothing but the subscription to the
 * port's messages, which ends with the worker.
 */

import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { agentport } from "../../api/mod.ts";

/** A frame on its way to the core. */
export type WorkerFrameContent = NonNullable<
  MessageInitShape<typeof agentport.WorkerFrameSchema>["frame"]
>;

/** What carries the bytes: `self` in a worker, one side of a MessageChannel in tests. */
export interface ByteChannel {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
}

/** The worker's side of the port. */
export interface WorkerPort {
  send(frame: WorkerFrameContent): void;
}

/** Opens the port; `onFrame` gets every frame of the core. */
export function openWorkerPort(
  channel: ByteChannel,
  onFrame: (frame: agentport.CoreFrame["frame"]) => void,
): WorkerPort {
  channel.addEventListener("message", ({ data }) => {
    if (data instanceof Uint8Array) onFrame(fromBinary(agentport.CoreFrameSchema, data).frame);
  });
  return {
    send: (frame) => {
      const message = create(agentport.WorkerFrameSchema, { frame });
      channel.postMessage(toBinary(agentport.WorkerFrameSchema, message));
    },
  };
}
