import type { Clock } from "../../common/clock/mod.ts";
import type { Attribution } from "../drift/mod.ts";

/** How long after a command a change is put down to who gave it (DRIFT-6). */
const WINDOW_MS = 3_000;

/** Knows who is changing the node right now. */
export interface Attributor {
  /** This person's command may change things from now on. */
  note(actor: string): void;
  /** Who is known to have changed an item that has just drifted. */
  current(): Attribution | undefined;
}

/** An attributor that puts changes down to the last command, for a short while. */
export function createAttributor(clock: Clock): Attributor {
  let last: { readonly actor: string; readonly untilMs: number } | undefined;
  return {
    note: (actor) => {
      last = { actor, untilMs: clock.monotonicMs() + WINDOW_MS };
    },
    current: () =>
      last !== undefined && clock.monotonicMs() <= last.untilMs ? { actor: last.actor } : undefined,
  };
}
