/**
 * The way to the other members over mutual TLS. It owns the listener on the Raft port, one link to
 * each other member and the timer that watches over them; it ends by `close`.
 */
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { type RpcServer, serveRpc, type ServerTls } from "../../common/rpc_server/mod.ts";
import { NEWEST_FORMAT } from "../log/mod.ts";
import type { Message, NodeId } from "../raft/mod.ts";
import { FRAME_PROTOCOL } from "./frames.ts";
import { type Refusal, type RefusalReason, refuseHello } from "./gate.ts";
import { type Hello, PROTOCOL_VERSION } from "./hello.ts";
import { Instances } from "./instances.ts";
import type {
  MemberAddress,
  PeerCallKind,
  PeerDirectories,
  PeerHandler,
  PeerNetwork,
  SnapshotFile,
} from "./network.ts";
import { OUTBOX_LIMITS, type OutboxLimits } from "./outbox.ts";
import { PeerLink, type PeerLinkContext, type PeerTls } from "./peer_link.ts";
import { serveFrames } from "./served_frames.ts";
import { ServedStreams } from "./served_streams.ts";
import { PeerService } from "./service.ts";
import { BATCH_MAX_BYTES, TIMING } from "./bounds.ts";

/** What a network is made of. */
export interface PeerNetworkOptions {
  /** This process: `instanceId` is drawn anew at each start. */
  readonly self: {
    readonly id: NodeId;
    readonly instanceId: string;
    /** Absent for a member whose log is kept elsewhere. */
    readonly directoryId?: string;
    /** By default what this program reads. */
    readonly recordFormat?: number;
  };
  /** Judges peers by their data directories; absent where those do not matter. */
  readonly directories?: PeerDirectories;
  /** This member's cluster, once it is known. */
  readonly clusterId: () => string | undefined;
  /** A member without a cluster adopts the one that a peer names first. */
  readonly onClusterId: (clusterId: string) => void;
  /** Port 0 takes any free one. */
  readonly listen: { readonly hostname: string; readonly port: number };
  readonly tls: PeerTls;
  readonly handler: PeerHandler;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly log: Logger;
  /** Counts who was refused (JRN-53). */
  readonly onRefused?: (reason: RefusalReason) => void;
  readonly limits?: Partial<OutboxLimits>;
}

/** A network that serves. Members are refused until `setMembers` names them. */
export interface OpenPeerNetwork extends PeerNetwork {
  readonly port: number;
  /**
   * Takes other certificates into use: for new connections at once, while streams go on whose
   * peers are still trusted.
   *
   * @throws TlsError when they do not fit; the old ones then stay in force
   */
  rotate(tls: PeerTls): void;
}

/** A tick that comes this late says more about this process than about its peers. */
const LATE_TICK_MS = 3 * TIMING.tickMs;
const MAX_SESSIONS = 256;
const MAX_STREAMS = 1_000;

/**
 * Opens the Raft port and keeps a connection to every other member.
 *
 * @throws ListenError when the address cannot be had, TlsError for unusable certificates
 */
export async function openPeerNetwork(options: PeerNetworkOptions): Promise<OpenPeerNetwork> {
  const network = new Network(options);
  await network.listen();
  return network;
}

class Network implements OpenPeerNetwork {
  readonly #options: PeerNetworkOptions;
  readonly #links = new Map<NodeId, PeerLink>();
  readonly #closing = new Set<Promise<void>>();
  readonly #streams: ServedStreams;
  readonly #service: PeerService;
  readonly #linkContext: PeerLinkContext;
  #tls: PeerTls;
  #server: RpcServer | undefined;
  #adoptedClusterId: string | undefined;
  #tickTimer: TimerHandle | undefined;
  #tickedAtMs = 0;
  #isClosed = false;

  constructor(options: PeerNetworkOptions) {
    this.#options = options;
    this.#tls = options.tls;
    const { clock, random, log, handler } = options;
    const shared = {
      hello: () => this.#hello(),
      judge: (hello: Hello | undefined, certified: NodeId) => this.#judge(hello, certified),
      instances: new Instances(),
      onRefused: ({ reason }: Refusal) => options.onRefused?.(reason),
      clock,
      log,
    };
    this.#linkContext = {
      ...shared,
      tls: () => this.#tls,
      limits: { ...OUTBOX_LIMITS, ...options.limits },
      onUnreachable: (peer) => this.#unlessClosed(() => handler.onUnreachable(peer)),
      onDuplicate: (peer, text) => this.#unlessClosed(() => handler.onDuplicate(peer, text)),
      onDisplaced: (peer, text) => this.#unlessClosed(() => handler.onDisplaced?.(peer, text)),
      random,
    };
    const selfId = options.self.id;
    this.#streams = new ServedStreams({
      ...shared,
      selfId,
      expectations: () => this.#expectations(),
      handler,
      ...options.directories && { directories: options.directories },
      onOpened: (member) => this.#links.get(member)?.nudge(),
    });
    this.#service = new PeerService(selfId, handler, this.#streams);
  }

  get port(): number {
    return this.#server?.port ?? 0;
  }

  async listen(): Promise<void> {
    const { listen, clock, log } = this.#options;
    this.#server = await serveRpc({
      name: "Raft",
      listen,
      tls: serverTls(this.#tls),
      clientAuth: "required",
      routes: this.#service.routes,
      admit: this.#service.admit,
      otherProtocols: new Map([[
        FRAME_PROTOCOL,
        (socket, peer) => serveFrames(socket, peer, this.#streams, clock),
      ]]),
      onInternalError: (error, { method }, incident) => {
        log.error("a call of a member failed", { method, incident, error: String(error) });
      },
      onHandshakeFailure: () => this.#options.onRefused?.("handshake"),
      maxSessions: MAX_SESSIONS,
      maxConcurrentStreams: MAX_STREAMS,
      readMaxBytes: BATCH_MAX_BYTES,
      writeMaxBytes: BATCH_MAX_BYTES,
      clock,
    });
    this.#tickedAtMs = clock.monotonicMs();
    this.#scheduleTick();
  }

  setMembers(members: readonly MemberAddress[]): void {
    if (this.#isClosed) return;
    const wanted = new Map(members.map((member) => [member.id, member]));
    wanted.delete(this.#options.self.id);
    for (const [id, link] of this.#links) {
      if (wanted.get(id)?.raft !== link.member.raft) this.#drop(id, link);
    }
    for (const [id, member] of wanted) {
      if (!this.#links.has(id)) this.#links.set(id, new PeerLink(member, this.#linkContext));
    }
    this.#streams.endStreams((member) => !this.#links.has(member));
  }

  send(to: NodeId, messages: readonly Message[]): void {
    this.#links.get(to)?.send(messages);
  }

  sendSnapshot(to: NodeId, message: Message, file: SnapshotFile): void {
    const report = (isDelivered: boolean) =>
      this.#unlessClosed(() => this.#options.handler.onSnapshotReported(to, isDelivered));
    const link = this.#links.get(to);
    if (link === undefined) queueMicrotask(() => report(false));
    else void link.sendSnapshot(message, file).then(report);
  }

  async call(
    to: NodeId,
    kind: PeerCallKind,
    data: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const link = this.#links.get(to);
    if (link !== undefined) return await link.call(kind, data, signal);
    throw new PactError("UNAVAILABLE", `UNAVAILABLE: ${to} is no other member here`);
  }

  connected(): ReadonlySet<NodeId> {
    return new Set(this.directories().keys());
  }

  directories(): ReadonlyMap<NodeId, string | undefined> {
    return new Map([...this.#streams.directories()].filter(([id]) => this.#links.get(id)?.isUp));
  }

  recordFormatOf(peer: NodeId): number | undefined {
    return this.#links.get(peer)?.isUp ? this.#streams.recordFormatOf(peer) : undefined;
  }

  rotate(tls: PeerTls): void {
    this.#server?.rotate(serverTls(tls));
    this.#tls = tls;
    this.#server?.disconnect(({ authorized }) => !authorized);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const { clock } = this.#options;
    if (this.#tickTimer !== undefined) clock.clearTimer(this.#tickTimer);
    for (const [id, link] of this.#links) this.#drop(id, link);
    this.#streams.endStreams(() => true);
    await Promise.all([
      ...this.#closing,
      this.#service.close(),
      this.#server?.close({ graceMs: 200 }),
    ]);
  }

  #drop(id: NodeId, link: PeerLink): void {
    this.#links.delete(id);
    const closing = link.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #clusterId(): string | undefined {
    return this.#options.clusterId() ?? this.#adoptedClusterId;
  }

  #hello(): Hello {
    const { id: memberId, ...self } = this.#options.self;
    const clusterId = this.#clusterId();
    const known = clusterId === undefined ? {} : { clusterId };
    return {
      recordFormat: NEWEST_FORMAT,
      ...known,
      ...self,
      memberId,
      protocolVersion: PROTOCOL_VERSION,
    };
  }

  #expectations() {
    const { directories } = this.#options;
    return {
      clusterId: this.#clusterId(),
      isMember: (id: NodeId) => this.#links.has(id),
      ...directories && { directories },
    };
  }

  /** A peer that is let in and knows of a cluster takes this member with it. */
  #judge(hello: Hello | undefined, certified: NodeId): Refusal | undefined {
    const refusal = refuseHello(hello, certified, this.#expectations());
    const named = hello?.clusterId;
    if (refusal === undefined && named !== undefined && this.#clusterId() === undefined) {
      this.#adoptedClusterId = named;
      this.#options.onClusterId(named);
    }
    return refusal;
  }

  #scheduleTick(): void {
    this.#tickTimer = this.#options.clock.setTimer(TIMING.tickMs, () => this.#tick());
  }

  #tick(): void {
    const nowMs = this.#options.clock.monotonicMs();
    // After a standstill of this process its peers' answers are still waiting to be read.
    const isLate = nowMs - this.#tickedAtMs > LATE_TICK_MS;
    this.#tickedAtMs = nowMs;
    if (!isLate) {
      for (const link of this.#links.values()) link.tick(nowMs);
      this.#streams.tick(nowMs);
    }
    this.#scheduleTick();
  }

  #unlessClosed(tell: () => void): void {
    if (!this.#isClosed) tell();
  }
}

function serverTls({ certPem, keyPem, caPem, trustDomains }: PeerTls): ServerTls {
  return { certPem, keyPem, clientCaPem: caPem, ...(trustDomains && { trustDomains }) };
}
