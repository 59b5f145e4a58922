/**
 * pact's tools for AI assistants. The program is `main.ts`; this is what it is made of.
 *
 * @module
 */
export { readSettings, type Settings, VARIABLES } from "./config/mod.ts";
export { TOOLS } from "./tools/mod.ts";
