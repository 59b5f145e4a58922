/** The node's core, assembled. */
export { recordRefusal } from "./call_records.ts";
export { Node, type NodeOptions, openNode } from "./node.ts";
export type { BootStanding } from "./node_contracts.ts";
export { Handoff, type HandoffOptions } from "./handoff.ts";
