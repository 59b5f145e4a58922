/**
 * A journal in this process with everything around it: its directory, a CA, people with tokens,
 * nodes with certificates. It owns all of them and ends with its scope.
 */
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { SignJWT } from "jose";
import { stringify } from "smol-toml";
import { enrollment, health, journal, lock, policy, stream } from "../../../api/mod.ts";
import { type Clock, systemClock } from "../../../common/clock/mod.ts";
import { silentLogger } from "../../../common/log/mod.ts";
import type { Logger } from "../../../common/log/mod.ts";
import {
  createRpcTransport,
  type RpcTransport,
  type RpcTransportOptions,
} from "../../../common/rpc/mod.ts";
import type { SecretPem } from "../../../common/secret/mod.ts";
import { createKeyAndCsr } from "../../../common/tls/mod.ts";
import { initCa } from "../../../journal/certs/mod.ts";
import { loadConfig } from "../../../journal/config/mod.ts";
import { openJournal, type RunningJournal } from "../../../journal/open_journal.ts";
import { tempDir } from "../temp_dir.ts";

/** How a site differs from the usual. */
export interface JournalSiteOptions {
  /** Further tables of journal.toml, such as `{ journal: { streaming: {...} } }`. */
  readonly toml?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly log?: Logger;
  /** Without one, the journal makes an ephemeral CA. */
  readonly withoutCa?: boolean;
}

/** Clients of every service over one connection. */
export interface JournalClients extends Disposable {
  readonly transport: RpcTransport;
  readonly config: Client<typeof journal.ConfigService>;
  readonly fleet: Client<typeof journal.FleetService>;
  readonly policy: Client<typeof policy.PolicyService>;
  readonly lock: Client<typeof lock.LockService>;
  readonly boot: Client<typeof stream.BootConfigService>;
  readonly enrollment: Client<typeof enrollment.EnrollmentService>;
  readonly health: Client<typeof health.Health>;
}

/** What a token says beside the usual claims. */
export interface TokenClaims {
  readonly sub?: string;
  readonly role?: string | string[];
  readonly lifetimeSeconds?: number;
  readonly audience?: string;
  readonly type?: string;
  readonly secret?: string;
}

/** An enrolled node. */
export interface SiteNode extends JournalClients {
  readonly nodeId: string;
  readonly certPem: string;
  readonly keyPem: SecretPem;
  readonly serial: string;
}

const SECRET = "a secret of thirty-two bytes or more, for tests";
const DOMAIN = "default";

/** Opens a site; people of role `pact-platform-admin` are `ann`, others are named after the role. */
export async function openJournalSite(options: JournalSiteOptions = {}): Promise<JournalSite> {
  const directory = await tempDir("pact-journal-");
  const site = new JournalSite(directory, options);
  try {
    await site.prepare();
    await site.start();
    return site;
  } catch (error) {
    await site[Symbol.asyncDispose]();
    throw error;
  }
}

/** See {@link openJournalSite}. */
export class JournalSite implements AsyncDisposable {
  readonly #open: Disposable[] = [];
  #running: RunningJournal | undefined;
  #nodes = 0;

  constructor(
    private readonly directory: AsyncDisposable & { readonly path: string },
    private readonly options: JournalSiteOptions,
  ) {}

  get path(): string {
    return this.directory.path;
  }

  get dataDir(): string {
    return `${this.path}/data`;
  }

  get journal(): RunningJournal {
    if (this.#running === undefined) throw new Error("the journal does not run");
    return this.#running;
  }

  /** The CA that the journal's certificate leads to. */
  get caPem(): string {
    return Deno.readTextFileSync(`${this.dataDir}/ca.crt`);
  }

  /** URL of a path on the metrics listener. */
  http(path: string): string {
    return `http://127.0.0.1:${this.journal.httpPort}${path}`;
  }

  async prepare(): Promise<void> {
    if (this.options.withoutCa !== true) await initCa(`${this.path}/ca`, new Date());
    await Deno.writeTextFile(`${this.path}/secret`, SECRET, { mode: 0o600 });
  }

  /** Starts the journal, again after `stop`. */
  async start(): Promise<void> {
    const { toml = {}, args = [], env = {}, clock = systemClock, log = silentLogger } =
      this.options;
    const ca = this.options.withoutCa === true
      ? {}
      : { ca_cert: `${this.path}/ca/ca.crt`, ca_key: `${this.path}/ca/ca.key` };
    const text = stringify({
      ...toml,
      journal: { ...toml["journal"], enrollment: { ...ca, ...enrollmentOf(toml) } },
      policy: {
        ...toml["policy"],
        iam: toml["policy"]?.["iam"] ?? { hmac_secret_file: `${this.path}/secret` },
      },
    });
    const { settings } = loadConfig({
      args: ["--single-node", "--config", `${this.path}/journal.toml`, ...args],
      env: {
        ...env,
        PACT_JOURNAL_LISTEN: "127.0.0.1:0",
        PACT_JOURNAL_METRICS_LISTEN: "127.0.0.1:0",
        PACT_JOURNAL_DATA_DIR: this.dataDir,
      },
      readFile: () => text,
    });
    this.#running = await openJournal({ settings, clock, log, random: Math.random });
  }

  /** Ends the journal; its directory stays. */
  async stop(): Promise<void> {
    for (const clients of this.#open.splice(0)) clients[Symbol.dispose]();
    await this.#running?.close();
    this.#running = undefined;
  }

  /** A token signed with the site's secret. */
  async token(claims: TokenClaims = {}): Promise<string> {
    const nowSeconds = Math.floor((this.options.clock ?? systemClock).nowMs() / 1000);
    const { role = "pact-platform-admin", lifetimeSeconds = 3600 } = claims;
    const payload = {
      pact_role: role,
      ...(claims.type === undefined ? {} : { pact_principal_type: claims.type }),
    };
    return await new SignJWT(payload)
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(claims.sub ?? (role === "pact-platform-admin" ? "ann" : `of ${role}`))
      .setAudience(claims.audience ?? "pact")
      .setIssuedAt(nowSeconds - Math.max(0, -lifetimeSeconds) - 1)
      .setExpirationTime(nowSeconds + lifetimeSeconds)
      .sign(new TextEncoder().encode(claims.secret ?? SECRET));
  }

  /** Clients with these transport options, closed with the site. */
  dial(options: Partial<RpcTransportOptions> = {}): JournalClients {
    const transport = createRpcTransport({
      endpoint: `https://127.0.0.1:${this.journal.rpcPort}`,
      caPem: this.caPem,
      ...options,
    });
    const clients = clientsOver(transport);
    this.#open.push(clients);
    return clients;
  }

  /** Clients of a person; by default of a platform administrator. */
  async as(claims: TokenClaims | string = {}, more: readonly Interceptor[] = []) {
    const token = await this.token(typeof claims === "string" ? { role: claims } : claims);
    return this.dial({ token: () => token, interceptors: more });
  }

  /** Registers a node by a MAC of its own, and puts it into a vCluster. */
  async register(nodeId: string, vclusterId = ""): Promise<string> {
    const macAddress = macOf(++this.#nodes);
    using admin = await this.as();
    await admin.enrollment.registerNode({ nodeId, hardwareIdentity: { macAddress }, vclusterId });
    return macAddress;
  }

  /** Registers and enrols a node; its clients present its certificate. */
  async node(nodeId: string, vclusterId = ""): Promise<SiteNode> {
    const macAddress = await this.register(nodeId, vclusterId);
    return await this.enroll(nodeId, macAddress);
  }

  /** Enrols a registered machine. */
  async enroll(nodeId: string, macAddress: string): Promise<SiteNode> {
    const { csrDer, keyPem } = createKeyAndCsr(nodeId);
    using stranger = this.dial();
    const answer = await stranger.enrollment.enroll({
      hardwareIdentity: { macAddress },
      csr: csrDer,
    });
    const certPem = new TextDecoder().decode(answer.signedCert);
    return {
      ...this.dial({ certPem, keyPem }),
      nodeId,
      certPem,
      keyPem,
      serial: answer.certSerial,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.directory[Symbol.asyncDispose]();
  }
}

/** The principal of a node's agent. */
export function agentName(nodeId: string): string {
  return `pact-service-agent/${nodeId}@${DOMAIN}`;
}

/** A unicast MAC for each number. */
export function macOf(number: number): string {
  return `02:00:00:${number.toString(16).padStart(6, "0").match(/../g)?.join(":")}`;
}

function enrollmentOf(toml: NonNullable<JournalSiteOptions["toml"]>): object {
  const { enrollment } = toml["journal"] ?? {};
  return typeof enrollment === "object" && enrollment !== null ? enrollment : {};
}

function clientsOver(transport: RpcTransport): JournalClients {
  return {
    transport,
    config: createClient(journal.ConfigService, transport),
    fleet: createClient(journal.FleetService, transport),
    policy: createClient(policy.PolicyService, transport),
    lock: createClient(lock.LockService, transport),
    boot: createClient(stream.BootConfigService, transport),
    enrollment: createClient(enrollment.EnrollmentService, transport),
    health: createClient(health.Health, transport),
    [Symbol.dispose]: () => transport.close(),
  };
}
