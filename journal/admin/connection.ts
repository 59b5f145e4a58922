/** The way from a command to the running journal: one connection, closed by the command. */

import { type Client, createClient } from "@connectrpc/connect";
import { journal } from "../../api/mod.ts";
import { ConfigError } from "../../common/config/mod.ts";
import { createRpcTransport, type RpcTransport } from "../../common/rpc/mod.ts";
import { joinPemBundle, splitPemBundle } from "../../common/tls/mod.ts";
import { VERSION } from "../../common/version/mod.ts";
import { readPrivateFile } from "../certs/mod.ts";
import type { AdminSettings } from "./settings.ts";

/** A journal that a command talks to. */
export interface Connection extends Disposable {
  readonly fleet: Client<typeof journal.FleetService>;
  readonly transport: RpcTransport;
}

/**
 * Opens the way to a journal with the token of an admin.
 *
 * @throws {ConfigError} without a token, or for a CA that cannot be read.
 */
export function connectTo(settings: AdminSettings): Connection {
  const token = tokenOf(settings);
  const caPem = caBundleOf(settings);
  const transport = createRpcTransport({
    endpoint: settings.endpoint,
    token: () => token,
    clientName: `pact-journal/${VERSION}`,
    ...(caPem === "" ? {} : { caPem }),
  });
  return {
    transport,
    fleet: createClient(journal.FleetService, transport),
    [Symbol.dispose]: () => transport.close(),
  };
}

function tokenOf({ tokenFile, token }: AdminSettings): string {
  const text = tokenFile === undefined ? token : within(tokenFile, readPrivateFile).trim();
  if (text !== undefined && text !== "") return text;
  throw new ConfigError(
    "no token: give a platform admin's in --token-file FILE (mode 0600) or in PACT_TOKEN",
  );
}

function caBundleOf({ caFiles }: AdminSettings): string {
  const blocks = caFiles.flatMap(({ path, isRequired }) => {
    try {
      return splitPemBundle(within(path, Deno.readTextFileSync));
    } catch (error) {
      if (!isRequired) return [];
      throw new ConfigError(`cannot read the CA: ${reasonOf(error)}`, { file: path });
    }
  });
  return joinPemBundle([...new Set(blocks)]);
}

/** Reads a file that may lie outside of what the program's permissions name. */
function within(path: string, read: (path: string) => string): string {
  try {
    return read(path);
  } catch (error) {
    if (!/Requires read access|NotCapable/.test(reasonOf(error))) throw error;
    throw new ConfigError(
      "it is outside of what this program may read: put it below /etc/pact or /var/lib/pact/journal",
      { file: path },
    );
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
