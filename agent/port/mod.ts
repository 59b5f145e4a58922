/** The message port between the agent's two isolates. */
export {
  type CoreFrameContent,
  type CorePort,
  type CorePortEvents,
  MAX_FRAME_BYTES,
  openCorePort,
} from "./core_port.ts";
export { type DeclaredItem, itemFault } from "./declared_bounds.ts";
export { checkWorkerFrame } from "./frame_bounds.ts";
export { FrameError } from "./frame_error.ts";
export {
  type ByteChannel,
  openWorkerPort,
  type WorkerFrameContent,
  type WorkerPort,
} from "./worker_port.ts";
