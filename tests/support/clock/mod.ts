/**
 * A clock that moves only when a test says so.
 *
 * @module
 */
export { VirtualClock } from "./virtual_clock.ts";
