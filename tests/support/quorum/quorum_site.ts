/**
 * A quorum of real journals on this machine, each a process with files and ports of its own, its
 * certificate from one CA. It owns a directory and every process, and ends with its scope: they are
 * killed and the directory is removed.
 */
import { type Client, createClient } from "@connectrpc/connect";
import { stringify } from "smol-toml";
import { config, enrollment, health, journal, policy } from "../../../api/mod.ts";
import {
  createRpcTransport,
  installHttp2Guard,
  type RpcTransport,
} from "../../../common/rpc/mod.ts";
import { initCa, issueMember } from "../../../journal/certs/mod.ts";
import { runtimeFlags } from "../../../tools/compile/mod.ts";
import { freePort } from "../free_port.ts";
import { neutralEnvironment, relocatedPermissions } from "../site/mod.ts";
import { mintToken, newTokenSecret } from "../site/people.ts";
import {
  type ProgramEnd,
  repositoryRoot,
  runDeno,
  spawnDeno,
  type SpawnedDeno,
} from "../spawn_deno.ts";
import { tempDir } from "../temp_dir.ts";
import type { EtcdSite } from "../etcd/mod.ts";
import { waitFor } from "../wait_for.ts";

/** Longest a journal may take to start, and a quorum to have a leader, on a busy machine. */
const START_LIMIT_MS = 30_000;
const LEADER_LIMIT_MS = 20_000;

/** Quick elections, which a busy machine does not yet mistake for a dead leader. */
const RAFT = { heartbeat_interval_ms: 100, election_timeout_ms: 1_000, snapshot_interval: 500 };

/** Where a member is on this machine. */
export interface MemberPlace {
  readonly id: number;
  readonly api: string;
  readonly raft: string;
  readonly metrics: string;
  /** What is `/` to its process. */
  readonly root: string;
}

/** Where members run, if not beside each other on the loopback interface. */
export interface MemberHosts {
  /** The address of a member, and what starts a program there. */
  host(id: number): { readonly address: string; readonly through: readonly string[] };
}

/** What `/health` of a member says. */
export interface MemberHealth {
  readonly httpStatus: number;
  readonly status: string;
  readonly role?: string;
  readonly leader_id?: number | null;
  readonly reason?: string;
}

/** Clients of one member over a connection of their own. */
export interface MemberClients extends Disposable {
  readonly transport: RpcTransport;
  readonly config: Client<typeof journal.ConfigService>;
  readonly fleet: Client<typeof journal.FleetService>;
  readonly enrollment: Client<typeof enrollment.EnrollmentService>;
  readonly health: Client<typeof health.Health>;
  readonly policy: Client<typeof policy.PolicyService>;
}

/** What a site is made of. */
export interface QuorumSiteOptions {
  readonly size?: number;
  readonly hosts?: MemberHosts;
  /** Keeps the log in place of the members; ends with the site. */
  readonly etcd?: EtcdSite;
  /** `policy.iam` of the members in place of tokens signed with the site's secret. */
  readonly iam?: Readonly<Record<string, unknown>>;
  /** The members' CA signs the certificates of nodes too. */
  readonly signsNodes?: boolean;
}

/** Makes a CA and the files of `size` members; starts nothing. */
export async function openQuorumSite(
  { size = 3, hosts, etcd, ...identity }: QuorumSiteOptions = {},
): Promise<QuorumSite> {
  installHttp2Guard();
  const site = new QuorumSite(await tempDir("pact-quorum-"), size, hosts, etcd, identity);
  await initCa(site.caDirectory, new Date());
  return site;
}

/** See {@link openQuorumSite}. */
export class QuorumSite implements AsyncDisposable {
  readonly #secret = newTokenSecret();
  readonly #places = new Map<number, MemberPlace>();
  readonly #running = new Map<number, SpawnedDeno>();
  readonly #ended: SpawnedDeno[] = [];

  constructor(
    private readonly directory: AsyncDisposable & { readonly path: string },
    readonly size: number,
    private readonly hosts?: MemberHosts,
    readonly etcd?: EtcdSite,
    private readonly identity: Pick<QuorumSiteOptions, "iam" | "signsNodes"> = {},
  ) {
    for (let id = 1; id <= size; id++) this.place(id);
  }

  get caDirectory(): string {
    return `${this.directory.path}/ca`;
  }

  get caPem(): string {
    return Deno.readTextFileSync(`${this.caDirectory}/ca.crt`);
  }

  /** What the tokens of its people are signed with. */
  get tokenSecret(): string {
    return this.#secret;
  }

  /** Where a member is or will be; ports are chosen when it is first named. */
  place(id: number): MemberPlace {
    const known = this.#places.get(id);
    if (known !== undefined) return known;
    const host = this.hosts?.host(id).address ?? "127.0.0.1";
    const address = () => `${host}:${freePort()}`;
    const place = {
      id,
      api: address(),
      raft: address(),
      metrics: address(),
      root: `${this.directory.path}/member-${id}`,
    };
    this.#places.set(id, place);
    return place;
  }

  /** Ids of the members whose processes run. */
  get runningIds(): number[] {
    return [...this.#running.keys()].sort();
  }

  /** Starts every member that does not run; the first one founds the cluster. */
  async startAll(): Promise<void> {
    const ids = Array.from({ length: this.size }, (_, at) => at + 1);
    await Promise.all(
      ids.filter((id) => !this.#running.has(id)).map((id) =>
        this.start(id, id === 1 ? ["--bootstrap"] : [])
      ),
    );
    await this.leader();
    await waitFor(async () => {
      const all = await Promise.all(ids.map((id) => this.health(id)));
      return all.every((health) => health?.role === "leader" || health?.role === "follower");
    }, { what: () => `all to have a vote\n${this.logs()}`, timeoutMs: LEADER_LIMIT_MS });
  }

  /** Starts a member and waits until it serves. */
  async start(id: number, args: readonly string[] = []): Promise<SpawnedDeno> {
    const program = await this.launch(id, args);
    await program.waitForOutput(/journal started/, START_LIMIT_MS);
    return program;
  }

  /** Starts a member and does not wait for it. */
  async launch(id: number, args: readonly string[] = []): Promise<SpawnedDeno> {
    const program = await this.spawn(this.place(id), args);
    this.#running.set(id, program);
    return program;
  }

  /** Starts a process at a place, whatever becomes of it. */
  async spawn(place: MemberPlace, args: readonly string[]): Promise<SpawnedDeno> {
    await this.#furnish(place);
    const program = spawnDeno({
      module: `${repositoryRoot}journal/main.ts`,
      flags: [
        "--quiet",
        ...runtimeFlags("pact-journal"),
        ...relocatedPermissions("journal", place.root),
      ],
      args: [`--config=${place.root}/etc/pact/journal.toml`, ...args],
      env: { ...neutralEnvironment(), ...this.#environment(place) },
      clearEnv: true,
      ...this.hosts && { through: this.hosts.host(place.id).through },
    });
    this.#ended.push(program);
    return program;
  }

  /** Ends a member as an admin would, or by force; its files stay. */
  async stop(id: number, signal: Deno.Signal = "SIGTERM"): Promise<ProgramEnd> {
    const program = this.#running.get(id);
    if (program === undefined) throw new Error(`member ${id} does not run`);
    this.#running.delete(id);
    program.kill(signal);
    return await program.ended;
  }

  /** The process of a member that runs. */
  pidOf(id: number): number {
    const program = this.#running.get(id);
    if (program === undefined) throw new Error(`member ${id} does not run`);
    return program.pid;
  }

  /** Sends a signal that does not end the process, such as SIGSTOP. */
  signal(id: number, signal: Deno.Signal): void {
    this.#running.get(id)?.kill(signal);
  }

  /** What a member says of itself; undefined when nobody answers. */
  async health(id: number): Promise<MemberHealth | undefined> {
    try {
      const response = await fetch(`http://${this.place(id).metrics}/health`, {
        signal: AbortSignal.timeout(2_000),
      });
      return { httpStatus: response.status, ...await response.json() };
    } catch {
      return undefined;
    }
  }

  /** The member that leads, once one does and says so itself. */
  async leader(among: readonly number[] = this.runningIds): Promise<number> {
    return await waitFor(async () => {
      const answers = await Promise.all(
        among.map(async (id) => ({ id, health: await this.health(id) })),
      );
      return answers.find(({ health }) => health?.role === "leader")?.id;
    }, {
      what: () => `a leader among ${among.join(", ")}\n${this.logs()}`,
      timeoutMs: LEADER_LIMIT_MS,
    });
  }

  /** A token of somebody with a role. */
  async token(role = "pact-platform-admin", name = "ann"): Promise<string> {
    return await mintToken(this.#secret, { name, role });
  }

  /** Clients of a member under somebody's token; a platform admin's by default. */
  async dial(id: number, who: { role?: string; name?: string } = {}): Promise<MemberClients> {
    const token = await this.token(who.role, who.name);
    const transport = createRpcTransport({
      endpoint: `https://${this.place(id).api}`,
      caPem: this.caPem,
      token: () => token,
      timeoutMs: 30_000,
    });
    return {
      transport,
      config: createClient(journal.ConfigService, transport),
      fleet: createClient(journal.FleetService, transport),
      enrollment: createClient(enrollment.EnrollmentService, transport),
      health: createClient(health.Health, transport),
      policy: createClient(policy.PolicyService, transport),
      [Symbol.dispose]: () => transport.close(),
    };
  }

  /** Runs `pact-journal member ...` against a member. */
  async member(at: number, args: readonly string[]): Promise<ProgramEnd> {
    return await runDeno({
      module: `${repositoryRoot}journal/main.ts`,
      flags: ["--quiet", ...relocatedPermissions("journal", this.place(at).root)],
      args: ["member", ...args, `--config=${this.place(at).root}/etc/pact/journal.toml`],
      env: {
        ...neutralEnvironment(),
        ...this.#environment(this.place(at)),
        PACT_TOKEN: await this.token(),
      },
      clearEnv: true,
      timeoutMs: 60_000,
    });
  }

  /** The end of what every process has logged, for a failure that needs explaining. */
  logs(): string {
    return this.#ended.map(({ pid, stderr }) => `--- ${pid}\n${stderr.slice(-4_000)}`).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#ended.map((program) => program[Symbol.asyncDispose]()));
    await this.etcd?.[Symbol.asyncDispose]();
    await this.directory[Symbol.asyncDispose]();
  }

  /** Makes the files of a member where they are not there yet: one configuration for all. */
  async #furnish({ id, root }: MemberPlace): Promise<void> {
    const etc = `${root}/etc/pact`;
    await Deno.mkdir(etc, { recursive: true });
    const secret = `${etc}/token_secret`;
    await Deno.writeTextFile(secret, this.#secret, { mode: 0o600 });
    const members = Array.from({ length: this.size }, (_, at) => {
      const { id, raft, api } = this.place(at + 1);
      return { id, raft, api };
    });
    await Deno.writeTextFile(
      `${etc}/journal.toml`,
      stringify({
        journal: {
          raft: { members, ...RAFT },
          ...await this.#etcdSettings(etc),
          ...await this.#enrollmentSettings(etc),
        },
        policy: { iam: this.identity.iam ?? { hmac_secret_file: secret } },
      }),
    );
    if (exists(`${etc}/certs`)) return;
    await issueMember({
      caDirectory: this.caDirectory,
      memberId: id,
      hosts: [this.hosts?.host(id).address ?? "127.0.0.1"],
      domainId: "default",
      validDays: 1,
      out: `${etc}/certs`,
      now: new Date(),
    });
  }

  async #enrollmentSettings(etc: string): Promise<Record<string, unknown>> {
    if (this.identity.signsNodes !== true) return {};
    const copies = { ca_cert: `${etc}/ca.crt`, ca_key: `${etc}/ca.key` };
    await Deno.copyFile(`${this.caDirectory}/ca.crt`, copies.ca_cert);
    await Deno.copyFile(`${this.caDirectory}/ca.key`, copies.ca_key);
    return { enrollment: copies };
  }

  /** The settings of the engine; a process reads nothing outside its root. */
  async #etcdSettings(etc: string): Promise<Record<string, unknown>> {
    if (this.etcd === undefined) return {};
    const { files, endpoints } = this.etcd;
    const copies = { ca: `${etc}/etcd.ca`, cert: `${etc}/etcd.crt`, key: `${etc}/etcd.key` };
    for (const kind of ["ca", "cert", "key"] as const) {
      await Deno.copyFile(files[kind], copies[kind]);
    }
    const { ca: ca_file, cert: cert_file, key: key_file } = copies;
    const timing = { lease_ttl_seconds: 2, request_timeout_ms: 1_000 };
    return { log: "etcd", etcd: { endpoints, ca_file, cert_file, key_file, ...timing } };
  }

  #environment({ id, api, raft, metrics, root }: MemberPlace): Record<string, string> {
    return {
      PACT_JOURNAL_NODE_ID: String(id),
      PACT_JOURNAL_LISTEN: api,
      PACT_JOURNAL_RAFT_LISTEN: raft,
      PACT_JOURNAL_METRICS_LISTEN: metrics,
      PACT_JOURNAL_DATA_DIR: `${root}/var/lib/pact/journal`,
      PACT_JOURNAL_TLS_CERT: `${root}/etc/pact/certs/node.crt`,
      PACT_JOURNAL_TLS_KEY: `${root}/etc/pact/certs/node.key`,
      PACT_JOURNAL_TLS_CA: `${root}/etc/pact/certs/ca.crt`,
    };
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** A Commit with a message, and nothing that an overlay would be made of. */
export function entryOf(
  message: string,
): { entry: { entryType: config.EntryType; message: string } } {
  return { entry: { entryType: config.EntryType.COMMIT, message } };
}
