/** The node's core, assembled. */
export { Node, type NodeOptions, openNode } from "./node.ts";
