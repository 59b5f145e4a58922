/** Configuration of executables: one precedence, positions in every error, nearest names. */
export { ConfigError, type ConfigPosition, positionText } from "./config_error.ts";
export { type LaterKeys, laterKeys } from "./later.ts";
export { nearestName } from "./nearest.ts";
export {
  type ConfigSources,
  resolveConfig,
  type ResolvedConfig,
  type SettingTable,
  type SettingValues,
} from "./resolve.ts";
export {
  AbsolutePathSchema,
  listSetting,
  numberSetting,
  type Setting,
  type Sources,
  switchSetting,
  textSetting,
} from "./setting.ts";
export { locateTomlKey, MAX_TOML_CHARS, parseToml, type TomlTable } from "./toml.ts";
export { TOKEN_SCHEMAS } from "./token_schemas.ts";
