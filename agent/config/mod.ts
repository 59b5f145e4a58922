/** Configuration of `pact-agent`, read in the network worker. */
export {
  type AgentSettings,
  loadAgentConfig,
  type LoadedAgentConfig,
  wantedFiles,
} from "./load.ts";
