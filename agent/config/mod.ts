/** Configuration of `pact-agent`, read in the network worker. */
export {
  type AgentSettings,
  loadAgentConfig,
  type LoadedAgentConfig,
  optionalFiles,
  wantedFiles,
} from "./load.ts";
