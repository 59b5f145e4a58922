/**
 * The command line tool `pact` as a function of its arguments and its surroundings.
 *
 * @module
 */
export type { Host, Keyboard, Sink, Source } from "./host/mod.ts";
export { BrokenPipe } from "./host/mod.ts";
export { runPact } from "./program/mod.ts";
