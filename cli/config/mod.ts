/**
 * What the CLI is configured with: flags, environment, file, defaults.
 *
 * @module
 */
export { type GlobalFlags, loadConfig, type LoadedConfig, reasonOf } from "./load.ts";
export { configDirectory, expandHome } from "./paths.ts";
export {
  DEFAULT_AGENT_PORT,
  DEFAULT_CA_FILE,
  DEFAULT_ENDPOINT,
  DEFAULT_JOURNAL_PORT,
  DEFAULT_LATTICE_PORT,
  SETTINGS,
  type Settings,
} from "./settings.ts";
