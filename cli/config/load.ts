import { ConfigError, resolveConfig } from "../../common/config/mod.ts";
import type { Host } from "../host/mod.ts";
import { configDirectory, expandHome } from "./paths.ts";
import { SETTINGS, type Settings } from "./settings.ts";

/** Largest configuration file read, in bytes. */
const MAX_CONFIG_BYTES = 1024 * 1024;

/** Options of the command line that settle a setting, by their name without dashes. */
export type GlobalFlags = Readonly<Record<string, string | undefined>>;

/** The settings, where they came from, and what to tell the person about them. */
export interface LoadedConfig {
  readonly settings: Settings;
  /** The file that was read, or would be; undefined without a home directory. */
  readonly path: string | undefined;
  readonly exists: boolean;
  readonly warnings: readonly string[];
}

/**
 * Resolves the settings: flag, then environment, then file, then default (CLI-3). With `tolerant`
 * an unusable file becomes a warning and the rest still counts; commands that need no journal pass
 * it, all others fail rather than talk to the wrong cluster.
 *
 * @throws {Failure} exit 1, naming the flag, the variable, or file, line and column.
 */
export async function loadConfig(
  host: Host,
  flags: GlobalFlags,
  tolerant: boolean,
): Promise<LoadedConfig> {
  const named = flags["config"] ?? host.env("PACT_CONFIG");
  const directory = configDirectory(host);
  const path = named === undefined ? directory && `${directory}/cli.toml` : expandHome(named, host);
  const args = Object.entries(flags).flatMap(([name, value]) =>
    value === undefined || name === "config" ? [] : [`--${name}=${value}`]
  );
  const env = Object.fromEntries(
    Object.values(SETTINGS).flatMap((setting) => setting.env ?? [])
      .map((name) => [name, host.env(name)]),
  );
  try {
    const text = path === undefined ? undefined : await readConfigFile(path, named !== undefined);
    const file = path === undefined || text === undefined ? undefined : { path, text };
    const { values, warnings } = resolveConfig(SETTINGS, { args, env, file });
    return {
      settings: withExpandedPaths(values, host),
      path,
      exists: file !== undefined,
      warnings,
    };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (!tolerant) throw error;
    const { values } = resolveConfig(SETTINGS, { args: [], env: {} });
    return {
      settings: withExpandedPaths(values, host),
      path,
      exists: path !== undefined,
      warnings: [error.message],
    };
  }
}

/** Text of the file; undefined when the default one does not exist. */
async function readConfigFile(path: string, required: boolean): Promise<string | undefined> {
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_CONFIG_BYTES) {
      throw new ConfigError(`larger than ${MAX_CONFIG_BYTES} bytes`, { file: path });
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(await Deno.readFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound && !required) return undefined;
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`cannot be read: ${reasonOf(error)}`, { file: path });
  }
}

/** A short reason for a failed read. */
export function reasonOf(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.IsADirectory) return "it is a directory";
  if (error instanceof TypeError) return "it is not UTF-8 text";
  return error instanceof Error ? error.message : String(error);
}

function withExpandedPaths(settings: Settings, host: Host): Settings {
  const expand = (path: string | undefined) => path && expandHome(path, host);
  return {
    ...settings,
    caFile: expand(settings.caFile),
    certFile: expand(settings.certFile),
    keyFile: expand(settings.keyFile),
    tokenPath: expand(settings.tokenPath),
  };
}
