/**
 * The tools, one file each, and what runs them.
 *
 * @module
 */
export { ToolCaller } from "./caller.ts";
export { offeredTools, TOOLS } from "./registry.ts";
export type { Answer, Tool } from "./tool.ts";
