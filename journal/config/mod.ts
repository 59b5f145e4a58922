/** Configuration of `pact-journal`. */
export type { EtcdConfig } from "./etcd_settings.ts";
export { requireLongSecret } from "./identity_settings.ts";
export { isLoopback, type ListenAddress } from "./listen_address.ts";
export {
  type ConfigInputs,
  DEFAULT_CONFIG_PATH,
  type JournalSettings,
  loadConfig,
  type LoadedConfig,
  loadSome,
} from "./load.ts";
export { AddressSchema, type ConfiguredMember, memberHosts } from "./members.ts";
export { JOURNAL_SETTINGS } from "./settings.ts";
export { planStart, type Start, type StartFacts } from "./start.ts";
