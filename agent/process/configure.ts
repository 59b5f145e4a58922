import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { agentport } from "../../api/mod.ts";
import type { Files } from "../../ffi/mod.ts";
import type { CoreArguments } from "../start/mod.ts";

/** Where the configuration is looked for when nobody names a file. */
const DEFAULT_CONFIG_PATH = "/etc/pact/agent.toml";
const MAX_FILE_BYTES = 1024 * 1024;

/** Variables the configuration reads; the permission set names the same. */
export const ENVIRONMENT = [
  "PACT_AGENT_CONFIG",
  "PACT_AGENT_NODE_ID",
  "PACT_AGENT_VCLUSTER",
  "PACT_AGENT_JOURNAL",
  "PACT_LOG_LEVEL",
  "RUST_LOG",
] as const;

/** A configuration that cannot be used; its message is for the admin. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

/** Reads what the worker needs to read the configuration: text, environment, named files. */
export function configureFrame(
  files: Files,
  args: CoreArguments,
  env: (name: string) => string | undefined,
  facts: Pick<MessageInitShape<typeof agentport.ConfigureSchema>, "hostname">,
): agentport.Configure {
  const configPath = args.configPath ?? DEFAULT_CONFIG_PATH;
  const environment: Record<string, string> = {};
  for (const name of ENVIRONMENT) {
    const value = env(name);
    if (value !== undefined) environment[name] = value;
  }
  return create(agentport.ConfigureSchema, {
    ...facts,
    configPath,
    configText: readConfig(files, configPath, args.configPath !== undefined),
    arguments: [...args.rest],
    environment,
  });
}

function readConfig(files: Files, path: string, isRequired: boolean): string {
  if (files.lstatIfPresent(path) === null) {
    if (!isRequired) return "";
    throw new ConfigurationError(`${path}: configuration file not found`);
  }
  return readBounded(files, path);
}

/**
 * Adds the files that the configuration names.
 *
 * @throws {ConfigurationError} for one that cannot be read, or a secret that others can.
 */
export function addWantedFiles(
  files: Files,
  frame: agentport.Configure,
  { wantedFiles, optionalFiles }: Pick<agentport.ConfigRefused, "wantedFiles" | "optionalFiles">,
): void {
  for (const path of wantedFiles) {
    if (optionalFiles.includes(path) && files.lstatIfPresent(path) === null) {
      frame.files[path] = new Uint8Array();
      continue;
    }
    const text = readBounded(files, path);
    if (!text.includes("-----BEGIN CERTIFICATE-----")) requirePrivate(files, path);
    frame.files[path] = new TextEncoder().encode(text);
  }
}

/** What is named and is no certificate is a secret: nobody else may be able to read it (AUT-5). */
function requirePrivate(files: Files, path: string): void {
  const mode = files.lstatIfPresent(path)?.mode ?? 0;
  if ((mode & 0o077) === 0) return;
  throw new ConfigurationError(`${path} can be read by others: run chmod 600 ${path}`);
}

function readBounded(files: Files, path: string): string {
  try {
    return files.readText(path, { maxBytes: MAX_FILE_BYTES });
  } catch (error) {
    throw new ConfigurationError(
      `cannot read ${path}: ${error instanceof Error ? error.message : error}`,
    );
  }
}
