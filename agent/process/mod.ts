/** The life of the agent's core process. */
export { type CoreArguments, coreArguments, USAGE } from "./arguments.ts";
export {
  type AgentProcess,
  type AgentProcessOptions,
  checkConfiguration,
  startAgent,
  VERSION,
} from "./agent.ts";
