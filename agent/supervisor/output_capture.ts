import type { Clock } from "../../common/clock/mod.ts";
import { readPipe } from "../../ffi/mod.ts";
import type { OutputStream, ServiceLog } from "./service_log.ts";

/** A pipe that is being drained into a log. */
export interface OutputCapture {
  /** Resolves when the last writer is gone and everything was taken, or after `close`. */
  readonly done: Promise<void>;
  close(): void;
}

/** Between two reads of a flood: it is drained all the same, but not at the price of a processor. */
const FLOOD_PAUSE_MS = 2;

/** Drains `fd`, which it owns from now on, until it ends (LGX-1, LGX-3). */
export function captureOutput(
  fd: number,
  stream: OutputStream,
  log: ServiceLog,
  clock: Clock,
): OutputCapture {
  const pipe = readPipe(fd);
  const drain = async () => {
    try {
      for await (const chunk of pipe) {
        if (log.append(stream, chunk)) continue;
        await new Promise<void>((resolve) => clock.setTimer(FLOOD_PAUSE_MS, resolve));
      }
    } finally {
      log.endStream(stream);
    }
  };
  return { done: drain(), close: () => pipe.close() };
}
