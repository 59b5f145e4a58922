import type { Clock, TimerHandle } from "./clock.ts";

/** setTimeout keeps its delay in 32 bits: anything longer would fire at once. */
const LONGEST_STEP_MS = 2 ** 31 - 1;

/** The clock of this machine. Its pending timers keep the process alive. */
export const systemClock: Clock = createSystemClock();

function createSystemClock(): Clock {
  const steps = new Map<number, ReturnType<typeof setTimeout>>();
  let lastId = 0;

  const arm = (id: number, remainingMs: number, fire: () => void): void => {
    const stepMs = Math.min(remainingMs, LONGEST_STEP_MS);
    steps.set(
      id,
      setTimeout(() => {
        if (remainingMs > stepMs) return arm(id, remainingMs - stepMs, fire);
        steps.delete(id);
        fire();
      }, stepMs),
    );
  };

  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    setTimer(delayMs: number, fire: () => void): TimerHandle {
      const id = ++lastId;
      arm(id, Math.max(0, delayMs), fire);
      return { id };
    },
    clearTimer({ id }: TimerHandle): void {
      clearTimeout(steps.get(id));
      steps.delete(id);
    },
  };
}
