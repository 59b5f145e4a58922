/**
 * Real journals, a real agent and an issuer of tokens, for tests of who is let in: vCluster `mercury`
 * with the node `mercury-1`, whose agent runs, and certificates of other nodes. It owns the processes
 * and the issuer, and ends with its scope.
 */
import { createClient } from "@connectrpc/connect";
import { stringify } from "smol-toml";
import { config, enrollment, journal, policy, stream } from "../../../api/mod.ts";
import {
  createRpcTransport,
  type RpcTransport,
  type RpcTransportOptions,
} from "../../../common/rpc/mod.ts";
import { SecretPem } from "../../../common/secret/mod.ts";
import { createKeyAndCsr } from "../../../common/tls/mod.ts";
import { buildShim } from "../../../ffi/build/mod.ts";
import { macOf } from "../journal/mod.ts";
import { openQuorumSite, type QuorumSite } from "../quorum/mod.ts";
import { agentProgram, neutralEnvironment } from "../site/mod.ts";
import { repositoryRoot, spawnDeno, type SpawnedDeno } from "../spawn_deno.ts";
import { tempDir } from "../temp_dir.ts";
import { type IssuedClaims, openTokenIssuer, type TokenIssuer } from "./token_issuer.ts";

/** The vCluster that requests are about, and the one of strangers. */
export const MERCURY = "mercury";
export const VENUS = "venus";

/** The node whose agent runs. */
export const AGENT_NODE = "mercury-1";

/** A certificate with its key. */
export interface NodeCertificate {
  readonly nodeId: string;
  readonly certPem: string;
  readonly keyPem: string;
  readonly serial: string;
}

/** Clients of one person or node at one journal. */
export interface IdentityClients extends Disposable {
  readonly config: ReturnType<typeof createClient<typeof journal.ConfigService>>;
  readonly fleet: ReturnType<typeof createClient<typeof journal.FleetService>>;
  readonly policy: ReturnType<typeof createClient<typeof policy.PolicyService>>;
  readonly enrollment: ReturnType<typeof createClient<typeof enrollment.EnrollmentService>>;
  readonly boot: ReturnType<typeof createClient<typeof stream.BootConfigService>>;
}

/** Starts `size` journals; an agent when `startAgent` is called. */
export async function openIdentitySite({ size = 1 } = {}): Promise<IdentitySite> {
  await using opening = new AsyncDisposableStack();
  const issuer = opening.use(await openTokenIssuer());
  const quorum = opening.use(
    await openQuorumSite({
      size,
      signsNodes: true,
      iam: { jwks_url: issuer.jwksUrl, oidc_issuer: issuer.url, oidc_audience: "pact" },
    }),
  );
  const directory = opening.use(await tempDir("pact-identity-"));
  const site = new IdentitySite(quorum, issuer, directory.path, opening.move());
  await quorum.startAll();
  return site;
}

/** See {@link openIdentitySite}. */
export class IdentitySite implements AsyncDisposable {
  #machines = 0;
  #commands = 0;
  #agentAddress = "";
  #agent: SpawnedDeno | undefined;

  constructor(
    readonly quorum: QuorumSite,
    readonly issuer: TokenIssuer,
    readonly directory: string,
    private readonly owned: AsyncDisposableStack,
  ) {}

  get caPem(): string {
    return this.quorum.caPem;
  }

  /** What the agent has logged, and the journals. */
  logs(): string {
    return `${this.quorum.logs()}\n--- agent\n${this.#agent?.stderr ?? ""}`;
  }

  /** The process of the agent. */
  get agentPid(): number {
    if (this.#agent === undefined) throw new Error("the agent does not run");
    return this.#agent.pid;
  }

  /** A token of a person; without a role named, of a platform admin. */
  token(claims: IssuedClaims = { role: "pact-platform-admin" }): Promise<string> {
    return this.issuer.token(claims);
  }

  /** Clients under a token, at the first member unless another is named. */
  async as(claims?: IssuedClaims, member = 1): Promise<IdentityClients> {
    const token = await this.token(claims);
    return this.#clients({ token: () => token }, member);
  }

  /** Clients under a node's certificate. */
  asNode({ certPem, keyPem }: NodeCertificate, member = 1): IdentityClients {
    return this.#clients({ certPem, keyPem: new SecretPem(keyPem) }, member);
  }

  /** Registers a machine under a node id, and puts it into a vCluster; its MAC. */
  async register(nodeId: string, vclusterId = ""): Promise<string> {
    const macAddress = macOf(++this.#machines);
    using admin = await this.as();
    await admin.enrollment.registerNode({ nodeId, hardwareIdentity: { macAddress }, vclusterId });
    return macAddress;
  }

  /** Registers and enrols a node. */
  async enroll(nodeId: string, vclusterId = ""): Promise<NodeCertificate> {
    const macAddress = await this.register(nodeId, vclusterId);
    const { csrDer, keyPem } = createKeyAndCsr(nodeId);
    using stranger = this.#clients({}, 1);
    const { signedCert, certSerial } = await stranger.enrollment.enroll({
      hardwareIdentity: { macAddress },
      csr: csrDer,
    });
    const certPem = new TextDecoder().decode(signedCert);
    return { nodeId, certPem, keyPem: keyPem.reveal(), serial: certSerial };
  }

  /**
   * Starts the agent of {@link AGENT_NODE} and waits until it is ready; HOST:PORT of its listener. It
   * is configured with the issuer, unless it is to hear of that from the journal.
   */
  async startAgent({ hasOwnIssuer = true } = {}): Promise<string> {
    const macAddress = await this.register(AGENT_NODE, MERCURY);
    const etc = `${this.#agentRoot}/etc/pact`;
    await Deno.mkdir(etc, { recursive: true });
    await Deno.writeTextFile(`${etc}/ca.crt`, this.caPem);
    const { url: issuer, jwksUrl: jwks_url } = this.issuer;
    const shell = hasOwnIssuer ? { auth: { jwks_url, issuer } } : {};
    await Deno.writeTextFile(
      `${etc}/agent.toml`,
      this.#agentToml(`${etc}/ca.crt`, macAddress, shell),
    );
    await buildShim();
    return await this.#spawnAgent();
  }

  /** Ends the agent as its init system would, and starts it again on another port. */
  async restartAgent(): Promise<string> {
    this.#agent?.kill("SIGTERM");
    await this.#agent?.ended;
    return await this.#spawnAgent();
  }

  /** Starts `pact` as somebody, against a member and the agent. */
  async pact(who: IssuedClaims, args: readonly string[], member = 1): Promise<SpawnedDeno> {
    const config = `${this.directory}/cli-${++this.#commands}.toml`;
    await Deno.writeTextFile(
      config,
      stringify({ agents: { addresses: { [AGENT_NODE]: this.#agentAddress } } }),
    );
    return this.owned.use(spawnDeno({
      module: `${repositoryRoot}cli/main.ts`,
      flags: ["--quiet", "-P=cli"],
      args,
      env: {
        ...neutralEnvironment(),
        PACT_CONFIG: config,
        PACT_ENDPOINT: `https://${this.quorum.place(member).api}`,
        PACT_CA_FILE: `${this.quorum.caDirectory}/ca.crt`,
        PACT_TOKEN: await this.token(who),
      },
      clearEnv: true,
      cwd: this.directory,
    }));
  }

  get #agentRoot(): string {
    return `${this.directory}/${AGENT_NODE}`;
  }

  async #spawnAgent(): Promise<string> {
    const agent = this.owned.use(spawnDeno(agentProgram(this.#agentRoot)));
    this.#agent = agent;
    const [, address = ""] = await agent.waitForOutput(/agent ready.* shell=(\S+)/, 60_000);
    this.#agentAddress = address;
    return address;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.owned[Symbol.asyncDispose]();
  }

  #agentToml(caCert: string, macAddress: string, shell: object): string {
    const { runningIds } = this.quorum;
    const endpoints = runningIds.map((id) => `https://${this.quorum.place(id).api}`);
    return stringify({
      agent: {
        node_id: AGENT_NODE,
        journal: { endpoints, tls_ca: caCert },
        enrollment: { hardware_ids: [`mac:${macAddress}`], retry_seconds: 1 },
        shell: { listen: "127.0.0.1:0", ...shell },
      },
    });
  }

  #clients(credentials: Partial<RpcTransportOptions>, member: number): IdentityClients {
    const transport: RpcTransport = createRpcTransport({
      endpoint: `https://${this.quorum.place(member).api}`,
      caPem: this.caPem,
      ...credentials,
    });
    return {
      config: createClient(journal.ConfigService, transport),
      fleet: createClient(journal.FleetService, transport),
      policy: createClient(policy.PolicyService, transport),
      enrollment: createClient(enrollment.EnrollmentService, transport),
      boot: createClient(stream.BootConfigService, transport),
      [Symbol.dispose]: () => transport.close(),
    };
  }
}

/** A scope as requests name it. */
export function nodeScope(nodeId: string): { scope: { case: "nodeId"; value: string } } {
  return { scope: { case: "nodeId", value: nodeId } };
}

/** A scope as requests name it. */
export function vclusterScope(id: string): { scope: { case: "vclusterId"; value: string } } {
  return { scope: { case: "vclusterId", value: id } };
}

/** A Commit of one kernel parameter. */
export function commitOf(
  scope: ReturnType<typeof nodeScope> | ReturnType<typeof vclusterScope>,
  key: string,
  declaredValue: string,
) {
  return {
    entryType: config.EntryType.COMMIT,
    scope,
    stateDelta: { kernel: [{ key, declaredValue }] },
  };
}
