import { z } from "zod";
import {
  listSetting,
  numberSetting,
  type SettingValues,
  switchSetting,
  textSetting,
} from "../../common/config/mod.ts";

/** Where the journal listens unless something says otherwise (CLI-2, CLI-5). */
export const DEFAULT_JOURNAL_PORT = 9443;

/** The journal of this machine, where neither settings nor a login name another (CLI-2). */
export const DEFAULT_ENDPOINT = `http://localhost:${DEFAULT_JOURNAL_PORT}`;

/** Where the workload manager listens (deploy.md section 5). */
export const DEFAULT_LATTICE_PORT = 50_051;

/** Where agents listen (CLI-41). */
export const DEFAULT_AGENT_PORT = 9445;

/** The trust bundle of a node or management host, used when it exists (CLI-2). */
export const DEFAULT_CA_FILE = "/etc/pact/ca.crt";

const EndpointsSchema = z.union([
  z.array(z.string().min(1).max(512)).min(1).max(16),
  z.string().transform((text) => text.split(",").map((part) => part.trim()).filter(Boolean)),
]).default([]);

const PathSchema = z.string().min(1).max(4096).optional();
const UrlSchema = z.string().max(2048).optional();
const SecondsSchema = z.number().int().min(1).max(3600);
const PortSchema = z.number().int().min(1).max(65_535);

/**
 * Every key the CLI knows: its option, its variables, its place in the file, its rule (CLI-2,
 * CLI-4). Keys of later commands are listed so that a file written for them raises no warning.
 */
export const SETTINGS = {
  server: textSetting({ flag: "server" }, z.string().min(1).max(512).optional()),
  endpoints: listSetting(
    { flag: "endpoint", env: ["PACT_ENDPOINT"], key: "endpoint" },
    EndpointsSchema,
  ),
  token: textSetting(
    { flag: "token", env: ["PACT_TOKEN"], key: "token" },
    z.string().min(1).max(16_384).optional(),
  ),
  tokenPath: textSetting({ key: "token_path" }, PathSchema),
  vcluster: textSetting(
    { flag: "vcluster", env: ["PACT_VCLUSTER"], key: "default_vcluster" },
    z.string().min(1).max(64).optional(),
  ),
  node: textSetting({ env: ["PACT_NODE"] }, z.string().min(1).max(253).optional()),
  output: textSetting(
    { flag: "output", env: ["PACT_OUTPUT"], key: "output_format" },
    z.enum(["text", "json"], { error: 'must be "text" or "json"' }).default("text"),
  ),
  timeoutSeconds: numberSetting(
    { flag: "timeout", env: ["PACT_TIMEOUT"], key: "timeout_seconds" },
    SecondsSchema.default(30),
  ),
  caFile: textSetting({ flag: "ca", env: ["PACT_CA_FILE"], key: "tls_ca" }, PathSchema),
  certFile: textSetting({ flag: "cert", env: ["PACT_TLS_CERT"], key: "tls_cert" }, PathSchema),
  keyFile: textSetting({ flag: "key", env: ["PACT_TLS_KEY"], key: "tls_key" }, PathSchema),
  allowPlaintext: switchSetting({ flag: "insecure-plaintext", key: "allow_plaintext" }, false),
  agentEndpoint: textSetting({ env: ["PACT_AGENT_ENDPOINT"] }, z.string().max(512).optional()),
  agentPort: numberSetting({ key: "agents.port" }, PortSchema.default(DEFAULT_AGENT_PORT)),
  agentDomainSuffix: textSetting(
    { key: "agents.domain_suffix" },
    z.string().regex(/^\.?[A-Za-z0-9.-]*$/).max(253).default(""),
  ),
  agentScheme: textSetting(
    { key: "agents.scheme" },
    z.enum(["https", "http"], { error: 'must be "https" or "http"' }).optional(),
  ),
  agentAddresses: textSetting(
    { key: "agents.addresses" },
    z.record(z.string(), z.string().max(512)).default({}),
  ),
  idpUrl: textSetting({ key: "auth.idp_url" }, UrlSchema),
  clientId: textSetting({ key: "auth.client_id" }, z.string().max(256).optional()),
  authOverride: switchSetting({ key: "auth.override" }, false),
  permissionMode: textSetting({ key: "auth.permission_mode" }, z.enum(["strict"]).optional()),
  authTimeout: numberSetting({ key: "auth.timeout" }, SecondsSchema.default(30)),
  serviceClientId: textSetting({ env: ["PACT_CLIENT_ID"] }, z.string().max(256).optional()),
  clientSecret: textSetting(
    { env: ["PACT_CLIENT_SECRET"], key: "auth.client_secret" },
    z.string().min(1).max(4096).optional(),
  ),
  scopes: listSetting({ key: "auth.scopes" }, z.array(z.string()).optional()),
  latticeEndpoint: textSetting(
    { env: ["PACT_LATTICE_ENDPOINT"], key: "delegation.lattice_endpoint" },
    UrlSchema,
  ),
  latticeToken: textSetting(
    { env: ["PACT_LATTICE_TOKEN"] },
    z.string().min(1).max(16_384).optional(),
  ),
  nodeMgmtBackend: textSetting(
    { env: ["PACT_NODE_MGMT_BACKEND"], key: "delegation.node_mgmt_backend" },
    z.string().max(64).optional(),
  ),
  nodeMgmtUrl: textSetting(
    { env: ["PACT_NODE_MGMT_URL"], key: "delegation.node_mgmt_url" },
    UrlSchema,
  ),
  delegationTimeout: numberSetting(
    { key: "delegation.timeout_seconds" },
    SecondsSchema.optional(),
  ),
} as const;

/** Settings after precedence (CLI-3). */
export type Settings = SettingValues<typeof SETTINGS>;
