/**
 * Time as a parameter: whoever needs the time or a timer is given a {@link Clock}.
 *
 * @module
 */
export type { Clock, TimerHandle } from "./clock.ts";
export { systemClock } from "./system.ts";
