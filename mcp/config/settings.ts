import { z } from "zod";
import {
  ConfigError,
  listSetting,
  numberSetting,
  resolveConfig,
  type SettingValues,
  switchSetting,
  textSetting,
} from "../../common/config/mod.ts";
import { LOG_LEVELS } from "../../common/log/mod.ts";
import { NodeIdSchema, VClusterIdSchema } from "../../common/model/mod.ts";

const EndpointSchema = z.string().min(1).max(512);
const PathSchema = z.string().min(1).max(4096).optional();

/** Addresses by node, as `node-1=https://10.0.0.1:9445`. */
const AddressesSchema = z.array(
  z.string().transform((text, context): [string, string] => {
    const [node = "", address = ""] = splitOnce(text);
    if (NodeIdSchema.safeParse(node).success && EndpointSchema.safeParse(address).success) {
      return [node, address];
    }
    context.addIssue({ code: "custom", message: `'${text}' must be NODE=ADDRESS` });
    return z.NEVER;
  }),
).max(10_000).default([]).transform((pairs) => new Map(pairs));

/** Everything the environment can say (mcp.md section 2). The server takes no options. */
const SETTINGS = {
  endpoints: listSetting(
    { env: ["PACT_ENDPOINT"] },
    z.array(EndpointSchema).min(1).max(16).default(["http://localhost:9443"]),
  ),
  token: textSetting({ env: ["PACT_MCP_TOKEN"] }, z.string().min(1).max(16_384).optional()),
  tokenFile: textSetting({ env: ["PACT_MCP_TOKEN_FILE"] }, PathSchema),
  localAgent: textSetting(
    { env: ["PACT_AGENT_ENDPOINT"] },
    EndpointSchema.default("http://localhost:9445"),
  ),
  agentAddresses: listSetting({ env: ["PACT_AGENT_ENDPOINTS"] }, AddressesSchema),
  vcluster: textSetting({ env: ["PACT_VCLUSTER"] }, VClusterIdSchema.optional()),
  node: textSetting({ env: ["PACT_NODE"] }, NodeIdSchema.optional()),
  caFile: textSetting({ env: ["PACT_CA_FILE"] }, PathSchema),
  // For hosts that keep the CA where this process may not read: its text instead of its path.
  caPem: textSetting({ env: ["PACT_CA_PEM"] }, z.string().max(1024 * 1024).optional()),
  name: textSetting(
    { env: ["PACT_MCP_NAME"] },
    z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, {
      message: "must be 1 to 64 letters, digits, . _ -",
    }).default("default"),
  ),
  readOnly: switchSetting({ env: ["PACT_MCP_READ_ONLY"] }, false),
  maxOutputBytes: numberSetting(
    { env: ["PACT_MCP_MAX_OUTPUT"] },
    z.number().int().min(1024).max(1024 * 1024).default(65_536),
  ),
  tools: listSetting(
    { env: ["PACT_MCP_TOOLS"] },
    z.array(z.string().max(64)).max(64).optional(),
  ),
  allowHumanToken: switchSetting({ env: ["PACT_MCP_ALLOW_HUMAN_TOKEN"] }, false),
  logLevel: textSetting(
    { env: ["PACT_LOG", "RUST_LOG"] },
    z.enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(", ")}` }).default("warn"),
  ),
} as const;

/** The server's settings. */
export type Settings = SettingValues<typeof SETTINGS>;

/** The variables the server reads: those its permission set grants. */
export const VARIABLES: readonly string[] = Object.values(SETTINGS).flatMap((setting) =>
  setting.env ?? []
);

/**
 * The settings that the environment gives; empty variables count as unset.
 *
 * @throws {ConfigError} naming the variable and what it must be.
 */
export function readSettings(
  env: (name: string) => string | undefined,
  args: readonly string[],
): Settings {
  if (args.length > 0) {
    throw new ConfigError(
      `unexpected argument '${args[0]}': pact-mcp is configured by environment, see --help`,
    );
  }
  const variables = Object.fromEntries(VARIABLES.map((name) => [name, env(name)]));
  return resolveConfig(SETTINGS, { args: [], env: variables }).values;
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
