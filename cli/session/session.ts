import { type Client, createClient } from "@connectrpc/connect";
import { enrollment, journal, lattice, lock, policy, shell, stream } from "../../api/mod.ts";
import {
  connectFirstReachable,
  createRpcTransport,
  type RpcTransport,
  type RpcTransportOptions,
} from "../../common/rpc/mod.ts";
import { VERSION } from "../../common/version/mod.ts";
import {
  DEFAULT_ENDPOINT,
  DEFAULT_JOURNAL_PORT,
  DEFAULT_LATTICE_PORT,
  type Settings,
} from "../config/mod.ts";
import { toFailure } from "../failure/mod.ts";
import type { Host } from "../host/mod.ts";
import { startProgress } from "../output/mod.ts";
import { agentAddress, LOCAL_NODE, namesOwnMachine } from "../nodes/mod.ts";
import { endpointUrl, loadTlsFiles, type TlsFiles } from "./endpoints.ts";
import { Peer } from "./peer.ts";
import { openCache, TokenKeeper } from "./keeper.ts";
import type { SelectedToken } from "./token.ts";

/** The journal was reached a moment ago, so one failure may be chance; an agent may be off. */
const JOURNAL_READ_ATTEMPTS = 2;
const AGENT_READ_ATTEMPTS = 1;

/** The journal's services and the way to call them. */
export interface Journal {
  readonly endpoint: string;
  readonly peer: Peer;
  readonly config: Client<typeof journal.ConfigService>;
  readonly fleet: Client<typeof journal.FleetService>;
  readonly policy: Client<typeof policy.PolicyService>;
  readonly lock: Client<typeof lock.LockService>;
  readonly stream: Client<typeof stream.BootConfigService>;
  readonly enrollment: Client<typeof enrollment.EnrollmentService>;
}

/** One agent's service and the way to call it. */
export interface Agent {
  readonly node: string;
  readonly peer: Peer;
  readonly shell: Client<typeof shell.ShellService>;
}

/** The workload manager's administrative service and the way to call it. */
export interface Lattice {
  readonly peer: Peer;
  readonly admin: Client<typeof lattice.AdminService>;
}

/**
 * Connections of one command. It owns its transports, opens each when first asked for, and ends by
 * `close`.
 */
export class Session {
  readonly #transports: RpcTransport[] = [];
  #journalTransport: RpcTransport | undefined;
  #tlsFiles: Promise<TlsFiles> | undefined;
  readonly #keeper: TokenKeeper;
  #journal: Promise<Journal> | undefined;

  constructor(
    private readonly host: Host,
    private readonly settings: Settings,
    private readonly signal: AbortSignal,
  ) {
    this.#keeper = new TokenKeeper({
      host,
      settings,
      servers: () => this.journalEndpoints(),
      caPem: () => this.trustedPem(),
    });
  }

  /** The token of this command (CLI-20). */
  token(): Promise<SelectedToken> {
    return this.#keeper.current();
  }

  /**
   * URLs of the journal in the order they are tried (CLI-5): as named, else the server that was
   * logged in to first (CLI-32), else this machine.
   */
  async journalEndpoints(): Promise<string[]> {
    const { server, endpoints } = this.settings;
    if (server !== undefined) return [await this.serverUrl(server)];
    if (endpoints.length > 0) return await Promise.all(endpoints.map((it) => this.serverUrl(it)));
    const cached = this.settings.token === undefined
      ? await openCache(this.host)?.read()
      : undefined;
    return [await this.serverUrl(cached?.default_server ?? DEFAULT_ENDPOINT)];
  }

  /** The URL of a journal's address, as the login cache names it. */
  async serverUrl(address: string): Promise<string> {
    const hasCa = (await this.#tls()).caPem !== undefined;
    return endpointUrl(address, hasCa, DEFAULT_JOURNAL_PORT, this.settings.allowPlaintext);
  }

  /**
   * The journal, by the first endpoint that answers.
   *
   * @throws {Failure} exit 5 when none does, exit 2 without a token.
   */
  journal(): Promise<Journal> {
    this.#journal ??= this.#openJournal();
    return this.#journal;
  }

  /** After its connection was lost: the next call looks for a journal that answers. */
  forgetJournal(): void {
    this.#journal = undefined;
    this.#journalTransport?.close();
    this.#journalTransport = undefined;
  }

  /**
   * The agent of `node`, at the address the settings or its name give. Nothing is dialled before the
   * first call; its certificate must name the node before the token is sent (CLI-41).
   */
  async agent(node: string): Promise<Agent> {
    const { caPem } = await this.#tls();
    const address = agentAddress(node, this.settings, caPem !== undefined);
    const endpoint = endpointUrl(
      address.url,
      caPem !== undefined,
      address.port,
      this.settings.allowPlaintext,
    );
    const serverName = namesOwnMachine(node) || endpoint.startsWith("http:")
      ? {}
      : { serverName: node };
    const transport = createRpcTransport({
      ...await this.#transportOptions(),
      ...serverName,
      endpoint,
    });
    this.#transports.push(transport);
    const label = node === LOCAL_NODE ? "agent on this node" : `agent on ${node}`;
    return {
      node,
      peer: this.#peer(label, AGENT_READ_ATTEMPTS),
      shell: createClient(shell.ShellService, transport),
    };
  }

  /** The workload manager; it takes its own token, or the journal's where there is none. */
  async lattice(address: string): Promise<Lattice> {
    const { caPem } = await this.#tls();
    const { allowPlaintext, latticeToken } = this.settings;
    const hasCa = caPem !== undefined;
    const transport = createRpcTransport({
      ...await this.#transportOptions(),
      ...(latticeToken === undefined ? {} : { token: () => latticeToken }),
      endpoint: endpointUrl(address, hasCa, DEFAULT_LATTICE_PORT, allowPlaintext),
    });
    this.#transports.push(transport);
    return {
      peer: this.#peer("lattice", AGENT_READ_ATTEMPTS),
      admin: createClient(lattice.AdminService, transport),
    };
  }

  /** The CA certificates that this command trusts, if it knows any. */
  async trustedPem(): Promise<string | undefined> {
    return (await this.#tls()).caPem;
  }

  /** Ends every connection. */
  close(): void {
    this.#journalTransport?.close();
    for (const transport of this.#transports) transport.close();
  }

  async #openJournal(): Promise<Journal> {
    const options = { ...await this.#transportOptions(), endpoints: await this.journalEndpoints() };
    const progress = startProgress(this.host.stderr, this.host.clock, "connecting to the journal");
    let transport: RpcTransport;
    try {
      transport = await connectFirstReachable(options);
    } catch (error) {
      throw toFailure(error, { peer: "journal" });
    } finally {
      await progress.stop();
    }
    this.#journalTransport = transport;
    return {
      endpoint: transport.endpoint,
      peer: this.#peer("journal", JOURNAL_READ_ATTEMPTS),
      config: createClient(journal.ConfigService, transport),
      fleet: createClient(journal.FleetService, transport),
      policy: createClient(policy.PolicyService, transport),
      lock: createClient(lock.LockService, transport),
      stream: createClient(stream.BootConfigService, transport),
      enrollment: createClient(enrollment.EnrollmentService, transport),
    };
  }

  #peer(label: string, readAttempts: number): Peer {
    const timeoutMs = this.settings.timeoutSeconds * 1000;
    const renewToken = () => this.#keeper.replace();
    return new Peer(this.host, label, { signal: this.signal, timeoutMs, readAttempts, renewToken });
  }

  async #transportOptions(): Promise<Omit<RpcTransportOptions, "endpoint">> {
    // Asked for at once, so that nobody dials without one, and again for every call.
    await this.token();
    const { caPem, certPem, keyPem } = await this.#tls();
    return {
      token: async () => (await this.token()).token,
      clientName: `pact/${VERSION}`,
      allowPlaintextCredentials: this.settings.allowPlaintext,
      ...(caPem === undefined ? {} : { caPem }),
      ...(certPem === undefined ? {} : { certPem }),
      ...(keyPem === undefined ? {} : { keyPem }),
    };
  }

  #tls(): Promise<TlsFiles> {
    this.#tlsFiles ??= loadTlsFiles(this.settings);
    return this.#tlsFiles;
  }
}
