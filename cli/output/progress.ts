import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Sink } from "../host/mod.ts";

/** How long a person waits before being told what for. */
const SHOW_AFTER_MS = 1000;
const REFRESH_MS = 1000;

const CLEAR_LINE = "\r\u001b[K";

/** The line that says what is being waited for. */
export interface Progress {
  /** Takes the line away; the output may go on. Calling it twice is no error. */
  stop(): Promise<void>;
}

/**
 * Shows `what`, asked anew each time if it is a function, on a terminal once a second has passed, counting seconds, until stopped. Where
 * standard error is no terminal nothing is ever written.
 */
export function startProgress(
  sink: Sink,
  clock: Clock,
  what: string | (() => string),
): Progress {
  if (!sink.isTerminal) return { stop: () => Promise.resolve() };
  const startedMs = clock.monotonicMs();
  const encoder = new TextEncoder();
  let timer: TimerHandle | undefined;
  let shown = false;
  let writing = Promise.resolve();

  const write = (text: string) => {
    writing = writing.then(() => sink.write(encoder.encode(text))).catch(() => undefined);
  };
  const show = () => {
    shown = true;
    const seconds = Math.round((clock.monotonicMs() - startedMs) / 1000);
    write(`${CLEAR_LINE}${typeof what === "string" ? what : what()} … ${seconds} s`);
    timer = clock.setTimer(REFRESH_MS, show);
  };
  timer = clock.setTimer(SHOW_AFTER_MS, show);

  return {
    async stop() {
      if (timer !== undefined) clock.clearTimer(timer);
      timer = undefined;
      if (shown) write(CLEAR_LINE);
      shown = false;
      await writing;
    },
  };
}
