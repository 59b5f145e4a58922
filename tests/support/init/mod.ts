/**
 * pact-init as PID 1 of namespaces of its own, with an agent that does what a test tells it.
 *
 * @module
 */
export { type AgentNodeOptions, startAgentNode } from "./agent_node.ts";
export { NamespaceNode, type NamespaceNodeOptions, needingNamespaces } from "./namespace_node.ts";
export { ScriptedAgent } from "./scripted_agent.ts";
