import { z } from "zod";
import {
  AbsolutePathSchema,
  ConfigError,
  switchSetting,
  textSetting,
} from "../../common/config/mod.ts";
import { EndpointError, parseEndpoint } from "../../common/rpc/mod.ts";
import {
  type ConfigInputs,
  DEFAULT_CONFIG_PATH,
  JOURNAL_SETTINGS,
  loadSome,
} from "../config/mod.ts";

const { config, listen, dataDir, tlsMode, tlsCa } = JOURNAL_SETTINGS;

const SETTINGS = {
  // Where this host's own journal is, so that nothing need be said on a management host.
  config,
  listen,
  dataDir,
  tlsMode,
  tlsCa,
  endpoint: textSetting({ flag: "endpoint" }, z.string().max(512).optional()),
  tokenFile: textSetting({ flag: "token-file" }, AbsolutePathSchema.optional()),
  token: textSetting({ env: ["PACT_TOKEN"] }, z.string().max(16_384).optional()),
  ca: textSetting({ flag: "ca" }, AbsolutePathSchema.optional()),
  output: textSetting({ flag: "output" }, z.enum(["text", "json"]).default("text")),
  isForced: switchSetting({ flag: "force" }, false),
};

/** How a command finds the running journal, and what it was told. */
export interface AdminSettings {
  readonly endpoint: string;
  readonly tokenFile: string | undefined;
  readonly token: string | undefined;
  /** Files that may hold the CA; those that exist are trusted. The first is required when given. */
  readonly caFiles: readonly { readonly path: string; readonly isRequired: boolean }[];
  readonly output: "text" | "json";
  readonly isForced: boolean;
  /** Words that are no options. */
  readonly operands: readonly string[];
}

/**
 * Settles how a command finds its journal: by its options, else by the configuration of the journal
 * of this host.
 *
 * @throws {ConfigError} naming what is wrong.
 */
export function loadAdminSettings(inputs: ConfigInputs): AdminSettings {
  const { values, operands } = loadSome(SETTINGS, { ...inputs, readFile: leniently(inputs) });
  const isPlain = values.tlsMode === "off";
  return {
    endpoint: endpointOf(values.endpoint ?? listenerOf(values.listen), isPlain),
    tokenFile: values.tokenFile,
    token: values.token,
    caFiles: values.ca !== undefined ? [{ path: values.ca, isRequired: true }] : [
      ...(values.tlsCa === undefined ? [] : [values.tlsCa]),
      `${values.dataDir}/ca.crt`,
      "/etc/pact/ca.crt",
    ].map((path) => ({ path, isRequired: false })),
    output: values.output,
    isForced: values.isForced,
    operands,
  };
}

/**
 * The default configuration may be none of an admin's business: it is then as if it were not there,
 * as long as the options say whom to ask.
 */
function leniently({ args, readFile }: ConfigInputs): ConfigInputs["readFile"] {
  const namesEndpoint = args.some((word) => /^--endpoint(=|$)/.test(word));
  return (path) => {
    try {
      return readFile(path);
    } catch (error) {
      if (namesEndpoint && path === DEFAULT_CONFIG_PATH) return undefined;
      throw error;
    }
  };
}

/** Where the journal of this host can be dialled from this host. */
function listenerOf({ hostname, port }: { hostname: string; port: number }): string {
  const host = hostname === "0.0.0.0" || hostname === "::" ? "localhost" : hostname;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function endpointOf(text: string, isPlain: boolean): string {
  try {
    return parseEndpoint(text, { hasCa: !isPlain });
  } catch (error) {
    if (error instanceof EndpointError) throw new ConfigError(error.message);
    throw error;
  }
}
