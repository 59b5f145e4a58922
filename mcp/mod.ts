/**
 * pact's tools for AI assistants. The program is `main.ts`; this is what it is made of.
 *
 * @module
 */
export { readSettings, type Settings } from "./config/mod.ts";
export { serveMcp } from "./serve.ts";
export { TOOLS } from "./tools/mod.ts";
