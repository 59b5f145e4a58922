/** A real SPIRE server on the loopback: the authority of one trust domain. It ends with its scope. */
import { freePort } from "../free_port.ts";
import { peerProgram } from "../peers.ts";
import { SpireProgram } from "./program.ts";

/** What a trust domain is made with. */
export interface SpireServerOptions {
  /** A directory of its own, which is there. */
  readonly directory: string;
  readonly trustDomain: string;
}

/** Who may have which identity. */
export interface Registration {
  /** The machine whose agent gives it, as `openMachine` was told. */
  readonly machine: string;
  /** The path below the trust domain: `/pact/agent/node-1`. */
  readonly path: string;
  readonly dns?: readonly string[];
  readonly ttlSeconds?: number;
  /** Foreign trust domains whose bundles come along. */
  readonly federatesWith?: readonly string[];
}

/** See {@link openSpireServer}. */
export class SpireServer implements AsyncDisposable {
  constructor(
    private readonly program: SpireProgram,
    private readonly executable: string,
    readonly options: SpireServerOptions,
    readonly port: number,
  ) {}

  get trustDomain(): string {
    return this.options.trustDomain;
  }

  /** The CA certificates of the trust domain, as PEM. */
  async bundlePem(): Promise<string> {
    return await this.run(["bundle", "show", "-format", "pem"]);
  }

  /** Makes a foreign trust domain known. */
  async learn(trustDomain: string, bundlePem: string): Promise<void> {
    const path = `${this.options.directory}/${trustDomain}.pem`;
    await Deno.writeTextFile(path, bundlePem);
    const id = `spiffe://${trustDomain}`;
    await this.run(["bundle", "set", "-format", "pem", "-id", id, "-path", path]);
  }

  /** The words by which the agent of a machine shows that it is the one. */
  async joinToken(machine: string): Promise<string> {
    const said = await this.run(["token", "generate", "-spiffeID", this.#machineId(machine)]);
    const token = /Token: (\S+)/.exec(said)?.[1];
    if (token === undefined) throw new Error(`no join token in: ${said}`);
    return token;
  }

  /** Lets every process of this user on a machine have an identity. @returns the entry's id */
  async register(registration: Registration): Promise<string> {
    const { machine, path, dns = [], ttlSeconds = 3_600, federatesWith = [] } = registration;
    const said = await this.run([
      "entry",
      "create",
      "-parentID",
      this.#machineId(machine),
      "-spiffeID",
      `spiffe://${this.trustDomain}${path}`,
      "-selector",
      `unix:uid:${Deno.uid()}`,
      "-x509SVIDTTL",
      `${ttlSeconds}`,
      ...dns.flatMap((name) => ["-dns", name]),
      ...federatesWith.flatMap((domain) => ["-federatesWith", `spiffe://${domain}`]),
    ]);
    const id = /Entry ID\s*: (\S+)/.exec(said)?.[1];
    if (id === undefined) throw new Error(`no entry id in: ${said}`);
    return id;
  }

  async unregister(entryId: string): Promise<void> {
    await this.run(["entry", "delete", "-entryID", entryId]);
  }

  /** Runs `spire-server` against this server. @throws with what it said when it fails */
  async run(words: readonly string[]): Promise<string> {
    const { success, stdout, stderr } = await new Deno.Command(this.executable, {
      args: [...words, "-socketPath", `${this.options.directory}/admin.sock`],
    }).output();
    const text = new TextDecoder();
    if (!success) {
      throw new Error(
        `spire-server ${words.join(" ")}: ${text.decode(stdout)}${text.decode(stderr)}`,
      );
    }
    return text.decode(stdout);
  }

  get log(): string {
    return this.program.output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program.stop();
  }

  #machineId(machine: string): string {
    return `spiffe://${this.trustDomain}/machine/${machine}`;
  }
}

/** Starts a server and waits until it answers. */
export async function openSpireServer(options: SpireServerOptions): Promise<SpireServer> {
  const { directory, trustDomain } = options;
  const executable = await peerProgram("spire", "spire-server");
  if (executable === undefined) throw new Error("deno task peers spire builds it");
  const port = freePort();
  const config = `${directory}/server.conf`;
  await Deno.writeTextFile(config, serverConfig(directory, trustDomain, port));
  const program = new SpireProgram(executable, ["run", "-config", config], directory);
  const server = new SpireServer(program, executable, options, port);
  try {
    await program.until(`the SPIRE server of ${trustDomain}`, async () => {
      await server.run(["healthcheck"]);
      return true;
    });
    return server;
  } catch (error) {
    await program.stop("SIGKILL");
    throw error;
  }
}

function serverConfig(directory: string, trustDomain: string, port: number): string {
  return `
server {
  bind_address = "127.0.0.1"
  bind_port = "${port}"
  socket_path = "${directory}/admin.sock"
  trust_domain = "${trustDomain}"
  data_dir = "${directory}"
  log_level = "WARN"
  ca_ttl = "24h"
}
plugins {
  DataStore "sql" {
    plugin_data {
      database_type = "sqlite3"
      connection_string = "${directory}/entries.sqlite3"
    }
  }
  KeyManager "memory" { plugin_data {} }
  NodeAttestor "join_token" { plugin_data {} }
}
`;
}
