/**
 * One trust domain with a machine for the journal and one for a node, as a site has them. It owns a
 * directory and all processes, and ends with its scope.
 */
import { systemClock } from "../../../common/clock/mod.ts";
import { pactPartOf } from "../../../common/certificate/mod.ts";
import { silentLogger } from "../../../common/log/mod.ts";
import type { RpcTransportOptions } from "../../../common/rpc/mod.ts";
import {
  openSvidSource,
  spiffeServers,
  type SvidIdentity,
  trustedDomains,
} from "../../../common/spiffe/mod.ts";
import { waitFor } from "../wait_for.ts";
import { type TempDir, tempDir } from "../temp_dir.ts";
import { openSpireMachine, type SpireMachine } from "./machine.ts";
import { openSpireServer, type SpireServer } from "./server.ts";

/** The name of every site's trust domain. */
export const SPIRE_DOMAIN = "site.example";

/** See {@link openSpireSite}. */
export class SpireSite implements AsyncDisposable {
  constructor(
    readonly directory: TempDir,
    readonly server: SpireServer,
    /** Where the journal runs, and where the node does. */
    readonly machines: { readonly journal: SpireMachine; readonly node: SpireMachine },
    private readonly opened: AsyncDisposableStack,
  ) {}

  /** The SVID that a process on the node's machine is given. */
  async nodeSvid(path: string): Promise<SvidIdentity> {
    const source = openSvidSource({
      socketPath: this.machines.node.socketPath,
      choice: { isOurs: (id) => id.path === path },
      isOptional: false,
      retryMaxMs: 500,
      clock: systemClock,
      random: Math.random,
      log: silentLogger,
    });
    try {
      // Entries reach a machine one after the other.
      const held = await waitFor(() => {
        const identity = source.held?.identity;
        return identity?.svid.id.path === path && identity;
      }, { what: `the SVID ${path}`, timeoutMs: 20_000 });
      return held;
    } finally {
      source.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.opened.disposeAsync();
  }
}

/** Starts the server and the agents of both machines. */
export async function openSpireSite(): Promise<SpireSite> {
  const opened = new AsyncDisposableStack();
  try {
    const directory = opened.use(await tempDir("pact-spire-"));
    for (const name of ["server", "journal", "node"]) await Deno.mkdir(directory.file(name));
    const server = opened.use(
      await openSpireServer({ directory: directory.file("server"), trustDomain: SPIRE_DOMAIN }),
    );
    const machine = async (name: "journal" | "node") =>
      opened.use(
        await openSpireMachine({
          server,
          name,
          directory: directory.file(name),
          socketPath: directory.file(`${name}/run/spire/agent.sock`),
        }),
      );
    const machines = { journal: await machine("journal"), node: await machine("node") };
    return new SpireSite(directory, server, machines, opened.move());
  } finally {
    await opened.disposeAsync();
  }
}

/** How a client presents an SVID, and knows journals by theirs. */
export function svidOptions(
  identity: SvidIdentity,
): Pick<RpcTransportOptions, "caPem" | "identifyServer" | "certPem" | "keyPem"> {
  const servers = spiffeServers({
    trustDomains: trustedDomains(identity, []),
    accepts: (id) => pactPartOf(id)?.kind === "journal",
  }, systemClock);
  return { ...servers, certPem: identity.svid.chainPem, keyPem: identity.svid.keyPem };
}
