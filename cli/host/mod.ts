/**
 * The process as the commands see it: standard streams, environment, user, clock, randomness.
 *
 * @module
 */
export { type BrowserFacts, mayHaveBrowser } from "./browser.ts";
export { denoHost } from "./deno_host.ts";
export { BrokenPipe, type Host, type Sink, type Source } from "./host.ts";
export type { Keyboard, WindowSize } from "./keyboard.ts";
export { readBounded } from "./read_bounded.ts";
