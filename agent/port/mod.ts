/** The message port between the agent's two isolates. */
export {
  type CoreFrameContent,
  type CorePort,
  type CorePortEvents,
  MAX_FRAME_BYTES,
  openCorePort,
} from "./core_port.ts";
export { checkWorkerFrame, FrameError } from "./frame_bounds.ts";
export {
  type ByteChannel,
  openWorkerPort,
  type WorkerFrameContent,
  type WorkerPort,
} from "./worker_port.ts";
