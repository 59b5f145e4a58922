import { z } from "zod";
import {
  AbsolutePathSchema,
  ConfigError,
  listSetting,
  numberSetting,
  type SettingValues,
  textSetting,
} from "../../common/config/mod.ts";
import { EndpointError, isLoopback, parseEndpoint } from "../../common/rpc/mod.ts";

/** Port on which etcd serves its clients. */
const ETCD_PORT = 2379;

const EndpointSchema = z.string().transform((text, context): string => {
  try {
    return parseEndpoint(text, { hasCa: true, defaultPort: ETCD_PORT });
  } catch (error) {
    if (!(error instanceof EndpointError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
    return z.NEVER;
  }
});

const path = AbsolutePathSchema.optional();

/** Where the log is kept, and how a site's etcd is reached. */
export const ETCD_SETTINGS = {
  logEngine: textSetting({ key: "journal.log" }, z.enum(["raft", "etcd"]).default("raft")),
  etcdEndpoints: listSetting(
    { key: "journal.etcd.endpoints" },
    z.array(EndpointSchema).max(16).default([]),
  ),
  etcdCaFile: textSetting({ key: "journal.etcd.ca_file" }, path),
  etcdCertFile: textSetting({ key: "journal.etcd.cert_file" }, path),
  etcdKeyFile: textSetting({ key: "journal.etcd.key_file" }, path),
  etcdPrefix: textSetting(
    { key: "journal.etcd.prefix" },
    z.string().regex(/^(\/[A-Za-z0-9._-]+){1,16}$/, {
      message: 'must be names after slashes, such as "/pact/journal", without a slash at the end',
    }).max(200).default("/pact/journal"),
  ),
  etcdLeaseTtlSeconds: numberSetting(
    { key: "journal.etcd.lease_ttl_seconds" },
    z.number().int().min(2).max(60).default(3),
  ),
  etcdRequestTimeoutMs: numberSetting(
    { key: "journal.etcd.request_timeout_ms" },
    z.number().int().min(100).max(30_000).default(2_000),
  ),
  etcdCompactHistory: textSetting(
    { key: "journal.etcd.compact_history" },
    z.boolean().default(true),
  ),
} as const;

type Resolved = SettingValues<typeof ETCD_SETTINGS>;

/** How a site's etcd is reached, when it keeps the log. */
export interface EtcdConfig {
  readonly endpoints: readonly string[];
  /** All three for `https` endpoints, none for cleartext on loopback. */
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
  readonly prefix: string;
  readonly leaseTtlSeconds: number;
  readonly requestTimeoutMs: number;
  readonly compactsHistory: boolean;
}

/**
 * The settings of an etcd that keeps the log; undefined where the members keep it themselves.
 *
 * @throws {ConfigError} naming the key that is missing or does not fit.
 */
export function etcdConfig(
  settings: Resolved,
): { readonly etcd: EtcdConfig | undefined; readonly warnings: readonly string[] } {
  const { logEngine, etcdEndpoints: endpoints } = settings;
  if (logEngine === "raft") {
    const warnings = endpoints.length === 0
      ? []
      : ['journal.etcd has no effect: journal.log is "raft"'];
    return { etcd: undefined, warnings };
  }
  if (endpoints.length === 0) {
    throw new ConfigError(
      'journal.log is "etcd": name its members in journal.etcd.endpoints, such as ["https://etcd-1.mgmt:2379"]',
    );
  }
  if (new Set(endpoints).size !== endpoints.length) {
    throw new ConfigError("journal.etcd.endpoints names a member twice");
  }
  const isPlain = endpoints.some((endpoint) => endpoint.startsWith("http:"));
  if (isPlain) refuseRemotePlaintext(endpoints);
  return {
    etcd: {
      endpoints,
      files: isPlain ? undefined : certificateFiles(settings),
      prefix: settings.etcdPrefix,
      leaseTtlSeconds: settings.etcdLeaseTtlSeconds,
      requestTimeoutMs: settings.etcdRequestTimeoutMs,
      compactsHistory: settings.etcdCompactHistory,
    },
    warnings: isPlain
      ? ["etcd is spoken to in cleartext on loopback: for development (CRT-8)"]
      : [],
  };
}

function refuseRemotePlaintext(endpoints: readonly string[]): void {
  const remote = endpoints.find((endpoint) => !isLoopback(new URL(endpoint).hostname));
  if (remote !== undefined) {
    throw new ConfigError(
      `journal.etcd.endpoints: ${remote} is beyond loopback: all of etcd's members must be reached by https:// then`,
    );
  }
  if (endpoints.some((endpoint) => endpoint.startsWith("https:"))) {
    throw new ConfigError("journal.etcd.endpoints: some are https:// and some http://");
  }
}

function certificateFiles(
  { etcdCaFile: ca, etcdCertFile: cert, etcdKeyFile: key }: Resolved,
): EtcdConfig["files"] {
  if (ca !== undefined && cert !== undefined && key !== undefined) return { ca, cert, key };
  const missing = [
    ...(ca === undefined ? ["ca_file"] : []),
    ...(cert === undefined ? ["cert_file"] : []),
    ...(key === undefined ? ["key_file"] : []),
  ];
  throw new ConfigError(
    `journals and etcd speak mutual TLS: name journal.etcd.${
      missing.join(", ")
    } (a client certificate that ` +
      "etcd's --trusted-ca-file knows, its key, and the CA of etcd's own certificates)",
  );
}
