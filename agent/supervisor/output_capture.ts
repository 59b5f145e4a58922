import { readPipe } from "../../ffi/mod.ts";
import type { OutputStream, ServiceLog } from "./service_log.ts";

/** A pipe that is being drained into a log. */
export interface OutputCapture {
  /** Resolves when the last writer is gone and everything was taken, or after `close`. */
  readonly done: Promise<void>;
  close(): void;
}

/** Drains `fd`, which it owns from now on, until it ends (LGX-1). */
export function captureOutput(fd: number, stream: OutputStream, log: ServiceLog): OutputCapture {
  const pipe = readPipe(fd);
  const drain = async () => {
    try {
      for await (const chunk of pipe) log.append(stream, chunk);
    } finally {
      log.endStream(stream);
    }
  };
  return { done: drain(), close: () => pipe.close() };
}
