import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";

/** A frame of the worker, as the core decodes it. */
export function workerFrame(
  frame: NonNullable<MessageInitShape<typeof agentport.WorkerFrameSchema>["frame"]>,
): agentport.WorkerFrame["frame"] {
  return create(agentport.WorkerFrameSchema, { frame }).frame;
}

/** The same as bytes. */
export function frameBytes(
  frame: NonNullable<MessageInitShape<typeof agentport.WorkerFrameSchema>["frame"]>,
): Uint8Array {
  return toBinary(
    agentport.WorkerFrameSchema,
    create(agentport.WorkerFrameSchema, { frame }),
  );
}
