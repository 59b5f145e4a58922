/**
 * Which node is meant, and where its agent listens.
 *
 * @module
 */
export { type AgentAddress, agentAddress, LOCAL_NODE, namesOwnMachine } from "./agent_address.ts";
export { localNode } from "./local_node.ts";
