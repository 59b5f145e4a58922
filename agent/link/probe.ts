import type { Clock, TimerHandle } from "../../common/clock/mod.ts";

/** How often a quiet journal is asked whether it is there: it says no goodbye when its host dies. */
const PROBE_MS = 30_000;

/** Asks a quiet journal now and then; `onSilent` gets the error of the first unanswered question. */
export function startProbe(
  clock: Clock,
  ask: () => Promise<void>,
  onSilent: (error: unknown) => void,
): { stop(): void } {
  let timer: TimerHandle;
  let isStopped = false;
  const askLater = () => {
    if (isStopped) return;
    timer = clock.setTimer(PROBE_MS, () => ask().then(askLater, onSilent));
  };
  askLater();
  return {
    stop: () => {
      isStopped = true;
      clock.clearTimer(timer);
    },
  };
}
