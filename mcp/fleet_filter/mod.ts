/**
 * Conditions on nodes, such as `gpu_health=degraded and memory_gb>=512` (MCP-49). Pure.
 *
 * @module
 */
export { FIELDS, type NodeFacts } from "./fields.ts";
export { matchNode, needsReport } from "./match.ts";
export { FilterError, parseFilter, type Term } from "./parse.ts";
