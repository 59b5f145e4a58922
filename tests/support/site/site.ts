/**
 * A small cluster of real parts on this machine: a journal, agents, people with tokens. It owns a
 * directory and every process started through it, and ends with its scope: all of them are ended
 * and the directory is removed.
 */
import { createRpcTransport, type RpcTransport } from "../../../common/rpc/mod.ts";
import { buildShim } from "../../../ffi/build/mod.ts";
import { runtimeFlags } from "../../../tools/compile/mod.ts";
import { freePort } from "../free_port.ts";
import {
  type ProgramEnd,
  repositoryRoot,
  runDeno,
  spawnDeno,
  type SpawnedDeno,
} from "../spawn_deno.ts";
import { agentArguments } from "./agent_program.ts";
import { neutralEnvironment } from "./environment.ts";
import { killProcessesOf, SITE_VARIABLE } from "./left_over.ts";
import { mintToken, newTokenSecret, type Person } from "./people.ts";
import { relocatedPermissions } from "./relocate.ts";
import {
  agentToml,
  type AgentTuning,
  cliToml,
  type IdentityTuning,
  journalToml,
} from "./settings.ts";

/** The vCluster that the people of a site mean when they name none. */
export const SITE_VCLUSTER = "demo";

/** Longest a program may take to say that it is ready. */
const READY_LIMIT_MS = 30_000;

/** Where the journal and the agents find the secret of people's tokens, in etc/pact. */
const SECRET_FILE = "token_secret";

/** Longest a program may take to end by itself. */
const END_LIMIT_MS = 3_000;

/** A program of the site that runs. */
export interface SiteProgram {
  readonly pid: number;
  /** HOST:PORT of its RPC listener. */
  readonly address: string;
  readonly program: SpawnedDeno;
}

/** A journal that runs. */
export interface SiteJournal extends SiteProgram {
  /** HOST:PORT of its health listener. */
  readonly metricsAddress: string;
}

/** What a site is made with. */
export interface SiteOptions {
  /** Begins the name of its directory. */
  readonly prefix?: string;
  /** Directory of bundles, as `deno task compile` makes them, to run instead of the sources. */
  readonly bundles?: string;
  /** What nodes that outlive a site already trust; undefined: a site makes its own. */
  readonly authority?: SiteAuthority;
  /** HOST:PORT where the journal listens; undefined: on the loopback, at a port that is free. */
  readonly listen?: string;
  /** `[policy.engine]` of journal.toml. */
  readonly policyEngine?: Readonly<Record<string, unknown>>;
}

/** The identity of a journal that nodes know from before. */
export interface SiteAuthority {
  readonly caCert: string;
  readonly caKey: string;
  readonly secretFile: string;
  /** HOST:PORT where the journal listens. */
  readonly listen: string;
  /** Names and addresses by which nodes reach it. */
  readonly hosts: readonly string[];
  /** How long after its last sign a node that has lost its memory may not come back. */
  readonly activeLockSeconds: number;
}

/** Makes the directory, the CA and the secret of a site; starts nothing. */
export async function openSite(
  { prefix = "pact-site-", bundles, authority, listen = authority?.listen, policyEngine }:
    SiteOptions = {},
): Promise<Site> {
  await buildShim();
  const directory = await Deno.makeTempDir({ prefix });
  const secret = authority === undefined
    ? newTokenSecret()
    : await Deno.readTextFile(authority.secretFile);
  const site = new Site(directory, secret, bundles, authority, policyEngine, listen);
  try {
    await site.prepare();
    return site;
  } catch (error) {
    await site[Symbol.asyncDispose]();
    throw error;
  }
}

/** A port to come back to after a stop, which nobody is given meanwhile. */
const anyPort = () => `127.0.0.1:${freePort()}`;

/** See {@link openSite}. */
export class Site implements AsyncDisposable {
  readonly #secret: string;
  readonly #programs = new Map<string, SpawnedDeno>();
  readonly #agentAddresses = new Map<string, string>();
  readonly #people = new Map<string, Person>();
  #journalAddress: string | undefined;

  constructor(
    readonly directory: string,
    secret: string,
    readonly bundles?: string,
    private readonly authority?: SiteAuthority,
    private readonly policyEngine?: SiteOptions["policyEngine"],
    private readonly listen = anyPort(),
  ) {
    this.#secret = secret;
  }

  /** The certificate everybody of the site trusts. */
  get caCert(): string {
    return `${this.journalRoot}/etc/pact/ca.crt`;
  }

  /** The directory below which the journal's files are. */
  get journalRoot(): string {
    return `${this.directory}/journal`;
  }

  get journalDataDirectory(): string {
    return `${this.journalRoot}/var/lib/pact/journal`;
  }

  /** Where people keep their configuration and tokens. */
  get peopleDirectory(): string {
    return `${this.directory}/people`;
  }

  /** The directory that is `/` to a node. */
  nodeRoot(nodeId: string): string {
    return `${this.directory}/${nodeId}`;
  }

  /** The hardware id by which a node of this site is enrolled. */
  hardwareId(nodeId: string): string {
    const index = Number(/\d+$/.exec(nodeId)?.[0] ?? 0);
    return `mac:02:00:00:00:00:${index.toString(16).padStart(2, "0")}`;
  }

  /** Makes the files of the journal; {@link openSite} has done it. */
  async prepare(): Promise<void> {
    const etc = `${this.journalRoot}/etc/pact`;
    await Deno.mkdir(etc, { recursive: true });
    await Deno.mkdir(this.journalDataDirectory, { recursive: true, mode: 0o700 });
    await Deno.mkdir(this.peopleDirectory, { recursive: true, mode: 0o700 });
    await this.#makeCa(etc);
    await this.#writeSecret(etc);
  }

  /** Starts the journal and waits until it serves; again on the same port after a stop. */
  async startJournal(
    { identity, issuer }: { readonly identity?: IdentityTuning; readonly issuer?: string } = {},
  ): Promise<SiteJournal> {
    const etc = `${this.journalRoot}/etc/pact`;
    const config = `${etc}/journal.toml`;
    await Deno.writeTextFile(
      config,
      journalToml({
        caCert: this.caCert,
        caKey: `${etc}/ca.key`,
        secretFile: `${etc}/${SECRET_FILE}`,
        dataDirectory: this.journalDataDirectory,
        listen: this.#journalAddress ?? this.listen,
        hosts: this.authority?.hosts ?? [],
        activeLockSeconds: this.authority?.activeLockSeconds,
        identity,
        policyEngine: this.policyEngine,
        issuer,
      }),
    );
    const args = ["--single-node", `--config=${config}`];
    const program = this.#start("journal", "journal", this.journalRoot, args);
    const [, address = "", metricsAddress = ""] = await program.waitForOutput(
      /journal started.* api=(\S+) metrics=(\S+)/,
      READY_LIMIT_MS,
    );
    this.#journalAddress = address;
    await this.#writePeople();
    return { pid: program.pid, address, metricsAddress, program };
  }

  /** Starts the agent of a node and waits until it is ready; again on the same port after a stop. */
  async startAgent(nodeId: string, tuning: AgentTuning = {}): Promise<SiteProgram> {
    const root = this.nodeRoot(nodeId);
    const etc = `${root}/etc/pact`;
    await Deno.mkdir(etc, { recursive: true });
    const config = `${etc}/agent.toml`;
    await Deno.copyFile(this.caCert, `${etc}/ca.crt`);
    await Deno.writeTextFile(
      config,
      agentToml({
        ...tuning,
        nodeId,
        hardwareId: this.hardwareId(nodeId),
        journalEndpoint: this.journalEndpoint,
        caCert: `${etc}/ca.crt`,
        secretFile: await this.#writeSecret(etc),
        shellListen: this.#agentAddresses.get(nodeId) ?? anyPort(),
      }),
    );
    const program = this.#start(nodeId, "agent", root, agentArguments(root));
    const [, shown = ""] = await program.waitForOutput(/agent ready.* shell=(\S+)/, READY_LIMIT_MS);
    // Without a certificate, because the journal is down, there is no listener yet.
    const address = /:\d+$/.test(shown) ? shown : this.#agentAddresses.get(nodeId) ?? "";
    this.#agentAddresses.set(nodeId, address);
    await this.#writePeople();
    return { pid: program.pid, address, program };
  }

  /** Tells everybody where the agent of a node is that was not started here. */
  async addAgent(nodeId: string, address: string): Promise<void> {
    this.#agentAddresses.set(nodeId, address);
    await this.#writePeople();
  }

  /** The permissions of one of this site's programs, and where it runs. */
  programOptions(set: "journal" | "agent" | "mcp", root: string, args: readonly string[]) {
    const programs = this.bundles === undefined ? repositoryRoot : `${this.bundles}/`;
    return {
      module: `${programs}${set}/main.${this.bundles === undefined ? "ts" : "js"}`,
      flags: [
        "--quiet",
        ...runtimeFlags(`pact-${set}`),
        ...relocatedPermissions(set, root, programs),
      ],
      args,
      env: this.environment(),
      clearEnv: true,
      cwd: repositoryRoot,
    };
  }

  /** A connection to the journal under a person's token. */
  async connect(name: string): Promise<RpcTransport> {
    return createRpcTransport({
      endpoint: this.journalEndpoint,
      caPem: await Deno.readTextFile(this.caCert),
      token: await Deno.readTextFile(this.tokenFileOf(name)),
    });
  }

  /** The program started last as `journal`, or as a node. */
  running(name: string): SpawnedDeno {
    const program = this.#programs.get(name);
    if (program === undefined) throw new Error(`${name} does not run`);
    return program;
  }

  /** Ends a program as an admin would (SIGTERM) or by force, and answers how it ended. */
  async stop(name: string, signal: Deno.Signal = "SIGTERM"): Promise<ProgramEnd> {
    const program = this.running(name);
    program.kill(signal);
    const end = await program.ended;
    this.#programs.delete(name);
    return end;
  }

  /** Gives a person a token and a command line that knows this site. */
  async addPerson(person: Person): Promise<void> {
    this.#people.set(person.name, person);
    await this.#writePeople();
  }

  /** The configuration file of a person's command line. */
  configOf(name: string): string {
    return `${this.peopleDirectory}/${name}/cli.toml`;
  }

  /** A file that holds a person's token, mode 0600. */
  tokenFileOf(name: string): string {
    return `${this.peopleDirectory}/${name}/token`;
  }

  /** Runs `pact` as a person, in {@link directory}. */
  async pact(name: string, args: readonly string[], timeoutMs = 30_000): Promise<ProgramEnd> {
    return await runDeno({
      module: `${repositoryRoot}cli/main.ts`,
      flags: ["--quiet", "-P=cli"],
      args,
      env: { ...this.environment(), PACT_CONFIG: this.configOf(name) },
      clearEnv: true,
      cwd: this.directory,
      timeoutMs,
    });
  }

  /** How an MCP client starts pact-mcp for a person of this site. */
  mcpCommand(name: string) {
    const agents = [...this.#agentAddresses].map(([node, address]) => `${node}=https://${address}`);
    const token = this.tokenFileOf(name);
    const read = `--allow-read=${this.caCert},${token}`;
    return {
      command: Deno.execPath(),
      args: ["run", "--quiet", "--no-prompt", "-P=mcp", read, `${repositoryRoot}mcp/main.ts`],
      env: {
        ...this.environment(),
        PACT_ENDPOINT: this.journalEndpoint,
        PACT_CA_FILE: this.caCert,
        PACT_MCP_TOKEN_FILE: token,
        PACT_AGENT_ENDPOINTS: agents.join(","),
        PACT_VCLUSTER: SITE_VCLUSTER,
      },
      cwd: repositoryRoot,
      stderr: "inherit" as const,
    };
  }

  /** The environment of the site's programs, by which they are found again. */
  environment(): Record<string, string> {
    return { ...neutralEnvironment(), [SITE_VARIABLE]: this.directory };
  }

  /** What the journal and the agents have logged so far, for a failure that needs explaining. */
  logs(): string {
    return [...this.#programs].map(([name, { stdout, stderr }]) =>
      `--- ${name}\n${stdout}${stderr}`.trimEnd()
    ).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Agents end their services themselves, and wait for them; what does not end in time is killed.
    await Promise.all([...this.#programs.values()].map(endProgram));
    await killProcessesOf(this.directory);
    await Deno.remove(this.directory, { recursive: true });
  }

  /** Where the journal is. */
  get journalEndpoint(): string {
    if (this.#journalAddress === undefined) throw new Error("start the journal first");
    return `https://${this.#journalAddress}`;
  }

  /** Puts the secret of people's tokens into a directory, as `token_secret`. */
  async copySecret(directory: string): Promise<void> {
    await this.#writeSecret(directory);
  }

  #start(
    name: string,
    set: "journal" | "agent",
    root: string,
    args: readonly string[],
  ): SpawnedDeno {
    const program = spawnDeno(this.programOptions(set, root, args));
    this.#programs.set(name, program);
    return program;
  }

  /** Runs `pact-journal init-ca`, which an admin does once, with leave to write where it is told. */
  async #makeCa(directory: string): Promise<void> {
    if (this.authority !== undefined) {
      await Deno.copyFile(this.authority.caCert, `${directory}/ca.crt`);
      await Deno.copyFile(this.authority.caKey, `${directory}/ca.key`);
      return;
    }
    const options = this.programOptions("journal", this.journalRoot, [
      "init-ca",
      "--out",
      directory,
    ]);
    const flags = [...options.flags, `--allow-write=${directory}`];
    const { success, code, stderr } = await runDeno({ ...options, flags });
    if (!success) throw new Error(`pact-journal init-ca ended with status ${code}: ${stderr}`);
  }

  async #writeSecret(directory: string): Promise<string> {
    const path = `${directory}/${SECRET_FILE}`;
    await Deno.writeTextFile(path, this.#secret, { mode: 0o600 });
    return path;
  }

  async #writePeople(): Promise<void> {
    if (this.#journalAddress === undefined) return;
    for (const person of this.#people.values()) {
      await Deno.mkdir(`${this.peopleDirectory}/${person.name}`, { recursive: true, mode: 0o700 });
      const tokenPath = this.tokenFileOf(person.name);
      await Deno.writeTextFile(tokenPath, await mintToken(this.#secret, person), { mode: 0o600 });
      await Deno.writeTextFile(
        this.configOf(person.name),
        cliToml({
          endpoint: this.journalEndpoint,
          caCert: this.caCert,
          tokenPath,
          vcluster: SITE_VCLUSTER,
          agents: this.#agentAddresses,
        }),
      );
    }
  }
}

async function endProgram(program: SpawnedDeno): Promise<void> {
  program.kill("SIGTERM");
  const timer = setTimeout(() => program.kill("SIGKILL"), END_LIMIT_MS);
  await program.ended;
  clearTimeout(timer);
}
