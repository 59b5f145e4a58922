/**
 * The way to one peer. It owns the connection, which it opens again whenever it breaks, and what
 * waits to be sent on it; it ends by `close`.
 */
import { ConnectError } from "@connectrpc/connect";
import type { raft } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import { fromConnectError, PactError } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { connectTlsSocket, createRpcTransport, type RpcTransport } from "../../common/rpc/mod.ts";
import type { SecretPem } from "../../common/secret/mod.ts";
import { spiffeServers } from "../../common/spiffe/mod.ts";
import { pactPartOf, parsePeerCertificate, type SpiffeId } from "../../common/certificate/mod.ts";
import type { Message, NodeId } from "../raft/mod.ts";
import { dialDelayMs } from "./backoff.ts";
import { isForPeer, packedMessageBytes } from "./codec.ts";
import type { Conversation } from "./conversation.ts";
import { converseInFrames } from "./dialled_frames.ts";
import { converseOverHttp2 } from "./dialled_http2.ts";
import { DialledStream } from "./dialled_stream.ts";
import { FRAME_PROTOCOL } from "./frames.ts";
import type { Refusal } from "./gate.ts";
import { type Hello, helloHeaders, helloOfMessage } from "./hello.ts";
import type { Instances } from "./instances.ts";
import type { MemberAddress, PeerCallKind, SnapshotFile } from "./network.ts";
import { Outbox, type OutboxLimits } from "./outbox.ts";
import { transferSnapshot } from "./snapshot_sender.ts";
import { BATCH_MAX_BYTES, TIMING } from "./bounds.ts";

/** Certificates of a member: it presents the same one when it dials and when it is dialled. */
export interface PeerTls {
  /** The certificate, then its chain. */
  readonly certPem: string;
  readonly keyPem: SecretPem;
  /** The CAs that the other members' certificates must lead to. */
  readonly caPem: string;
  /** The trust domain that vouches for members by their SPIFFE IDs, as PEM. */
  readonly trustDomains?: ReadonlyMap<string, string>;
}

function isMember(svid: SpiffeId, id: NodeId): boolean {
  const part = pactPartOf(svid);
  return part?.kind === "journal" && part.memberId === id;
}

/** What a link needs from its network. */
export interface PeerLinkContext {
  /** Who this member says it is, now. */
  readonly hello: () => Hello;
  readonly tls: () => PeerTls;
  readonly instances: Instances;
  readonly limits: OutboxLimits;
  /** Judges what the peer says of itself. */
  readonly judge: (hello: Hello | undefined, certified: NodeId) => Refusal | undefined;
  readonly onRefused: (refusal: Refusal) => void;
  readonly onUnreachable: (peer: NodeId) => void;
  readonly onDuplicate: (peer: NodeId, text: string) => void;
  readonly onDisplaced: (peer: NodeId, text: string) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** The largest message: a command of the largest size that clients may send, and some. */
const MESSAGE_MAX_BYTES = 25 * 1024 * 1024;

/** On the way and waiting: the core sends no other while one is on the way. */
const MAX_SNAPSHOTS = 2;

/** One peer, dialled until `close`. */
export class PeerLink {
  readonly #outbox: Outbox;
  #stream: DialledStream | undefined;
  #toldUnreachableMs = -Infinity;
  #isOutageLogged = false;
  readonly #closing = new AbortController();
  #snapshots = 0;
  #snapshotTurn: Promise<unknown> = Promise.resolve();
  #pause: { readonly timer: TimerHandle; readonly end: () => void } | undefined;
  readonly #ended: Promise<void>;

  constructor(readonly member: MemberAddress, private readonly context: PeerLinkContext) {
    this.#outbox = new Outbox(context.limits);
    this.#ended = this.#run();
  }

  get isUp(): boolean {
    return this.#stream?.isUp ?? false;
  }

  /** @throws {PactError} what the peer answered; UNAVAILABLE when there is no connection to it */
  async call(kind: PeerCallKind, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const stream = this.#stream;
    if (stream?.isUp) return await stream.call(kind, data, signal);
    throw new PactError("UNAVAILABLE", `UNAVAILABLE: no connection to member ${this.member.id}`);
  }

  send(messages: readonly Message[]): void {
    let hasDropped = false;
    for (const message of messages) {
      if (!this.#isSendable(message)) continue;
      if (!this.isUp || !this.#outbox.add(message)) hasDropped = true;
    }
    if (hasDropped) this.#tellDropped();
    this.#stream?.wake();
  }

  /** One after the other. @returns whether the peer has it; never throws */
  async sendSnapshot(message: Message, file: SnapshotFile): Promise<boolean> {
    if (this.#snapshots >= MAX_SNAPSHOTS) return false;
    this.#snapshots++;
    const sent = this.#snapshotTurn.then(() => this.#transfer(message, file));
    this.#snapshotTurn = sent;
    const isDelivered = await sent;
    this.#snapshots--;
    return isDelivered;
  }

  async #transfer(message: Message, file: SnapshotFile): Promise<boolean> {
    const { hello, clock, random, log } = this.context;
    const facts = { member: this.member.id, sha256: file.sha256, bytes: file.bytes };
    if (this.#closing.signal.aborted) return false;
    let transport: RpcTransport | undefined;
    try {
      transport = this.#openTransport();
      const { signal } = this.#closing;
      await transferSnapshot({ file, message, transport, hello, signal, clock, random });
      log.info("a snapshot has been sent to a member", facts);
      return true;
    } catch (error) {
      log.warn("a snapshot could not be sent to a member", { ...facts, error: String(error) });
      return false;
    } finally {
      transport?.close();
    }
  }

  #openTransport(): RpcTransport {
    return createRpcTransport({
      ...this.#server(),
      readMaxBytes: BATCH_MAX_BYTES,
      writeMaxBytes: BATCH_MAX_BYTES,
    });
  }

  /** Where the peer is, how it is recognised, and what this member shows it. */
  #server() {
    const { certPem, keyPem, caPem, trustDomains } = this.context.tls();
    const { id, raft: address } = this.member;
    const servers = trustDomains === undefined || trustDomains.size === 0
      ? { caPem }
      : spiffeServers(
        { caPem, trustDomains, accepts: (svid) => isMember(svid, id) },
        this.context.clock,
      );
    return {
      endpoint: `https://${address}`,
      ...servers,
      certPem,
      keyPem,
      refuseServer: (der: Uint8Array) => this.#refuseServer(der),
      connectTimeoutMs: TIMING.connectMs,
    };
  }

  /** Ends a connection on which nothing moves, and keeps the others alive. */
  tick(nowMs: number): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    stream.tick(nowMs);
    if (!stream.isStuck(nowMs)) return;
    this.context.log.warn("a member takes nothing any more, its connection is ended", {
      member: this.member.id,
    });
    stream.end();
  }

  /** The peer has shown that it is there: no need to wait any longer. */
  nudge(): void {
    this.#pause?.end();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#stream?.end();
    this.#pause?.end();
    await Promise.all([this.#ended, this.#snapshotTurn]);
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#closing.signal.aborted) {
      const beganMs = this.context.clock.monotonicMs();
      const wasUp = await this.#connect();
      if (this.#closing.signal.aborted) return;
      const lastedMs = this.context.clock.monotonicMs() - beganMs;
      failures = wasUp && lastedMs > TIMING.settledMs ? 1 : failures + 1;
      await this.#wait(dialDelayMs(failures, this.context.random));
    }
  }

  /** One connection from dial to end. @returns whether it was of any use */
  async #connect(): Promise<boolean> {
    const { hello, clock } = this.context;
    const abort = new AbortController();
    const stream = new DialledStream({
      outbox: this.#outbox,
      hello,
      clock,
      onEnd: () => abort.abort(),
    });
    this.#stream = stream;
    const leave: (() => void)[] = [];
    let wasUp = false;
    const hear = (answer: raft.RaftAnswer) => {
      if (!stream.isUp) return;
      wasUp = true;
      stream.onAnswer(answer);
    };
    const onAnswer = (answer: raft.RaftAnswer) =>
      answer.hello === undefined
        ? hear(answer)
        : this.#meet(answer.hello, stream, leave).then(() => hear(answer));
    try {
      await this.#converse({ stream, onAnswer, signal: abort.signal });
      this.#report(new PactError("UNAVAILABLE", "the member ended the connection"));
    } catch (error) {
      this.#report(error);
    } finally {
      stream.end();
      for (const remove of leave) remove();
      this.#stream = undefined;
      const dropped = this.#outbox.clear();
      if (wasUp || dropped > 0) this.#tellUnreachable();
    }
    return wasUp;
  }

  /** In the members' own protocol where the peer knows it. */
  async #converse(conversation: Conversation): Promise<void> {
    const { signal } = conversation;
    const alpnProtocols = [FRAME_PROTOCOL, "h2"];
    const socket = await connectTlsSocket({ ...this.#server(), alpnProtocols, signal });
    if (socket.alpnProtocol === FRAME_PROTOCOL) {
      return await converseInFrames(socket, conversation, this.context.clock);
    }
    socket.destroy();
    using transport = this.#openTransport();
    await converseOverHttp2(transport, conversation, helloHeaders(this.context.hello()));
  }

  /** @throws {PactError} when the peer is not to be spoken with */
  async #meet(
    wire: raft.RaftHello,
    stream: DialledStream,
    leave: (() => void)[],
  ): Promise<void> {
    const { id, raft: address } = this.member;
    const hello = helloOfMessage(wire);
    const refusal = this.context.judge(hello, id);
    if (refusal !== undefined || hello === undefined) {
      throw this.#refuse(refusal ?? { reason: "malformed", text: "no hello" });
    }
    if (stream.isUp) return;
    stream.met(hello.instanceId);
    const remove = await this.context.instances.claim(id, stream);
    if (remove === undefined) {
      const text = `another process than the one at ${address} is connected as member ${id}`;
      throw this.#refuse({ reason: "duplicate-node-id", text });
    }
    leave.push(remove);
    stream.open();
    this.context.log.info("connected to a member", { member: id, address });
    this.#isOutageLogged = false;
  }

  #refuse(refusal: Refusal): PactError {
    this.context.onRefused(refusal);
    return new PactError("PERMISSION_DENIED", refusal.text);
  }

  #refuseServer(der: Uint8Array): string | undefined {
    const certificate = parsePeerCertificate(der);
    const { id } = this.member;
    if (certificate.kind === "journal" && certificate.memberId === id) return undefined;
    const text = `its certificate names '${certificate.commonName}' instead of journal-${id}`;
    this.context.onRefused({ reason: "certificate", text });
    return text;
  }

  #isSendable(message: Message): boolean {
    if (isForPeer(message) && packedMessageBytes(message) <= MESSAGE_MAX_BYTES) return true;
    this.context.log.error("a Raft message cannot be sent", {
      member: this.member.id,
      type: message.type,
      bytes: packedMessageBytes(message),
    });
    return false;
  }

  #report(reason: unknown): void {
    if (this.#closing.signal.aborted) return;
    const error = reason instanceof PactError
      ? reason
      : fromConnectError(ConnectError.from(reason));
    if (error.code === "DUPLICATE_NODE_ID") {
      this.context.onDuplicate(this.member.id, error.message);
    }
    if (error.code === "OTHER_DIRECTORY") {
      this.context.onDisplaced(this.member.id, error.message);
    }
    // An outage is worth one line, not one for each time that it is found to go on.
    const level = this.#isOutageLogged ? "debug" : "warn";
    this.#isOutageLogged = true;
    this.context.log[level]("no connection to a member", {
      member: this.member.id,
      address: this.member.raft,
      error: error.message,
    });
  }

  #tellDropped(): void {
    const sinceMs = this.context.clock.monotonicMs() - this.#toldUnreachableMs;
    if (sinceMs >= TIMING.unreachableMs) this.#tellUnreachable();
  }

  /** In a turn of its own: whoever sends is in the midst of something. */
  #tellUnreachable(): void {
    if (this.#closing.signal.aborted) return;
    this.#toldUnreachableMs = this.context.clock.monotonicMs();
    queueMicrotask(() => this.context.onUnreachable(this.member.id));
  }

  async #wait(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.context.clock.setTimer(delayMs, resolve);
    this.#pause = { timer, end: resolve };
    await promise;
    this.context.clock.clearTimer(timer);
    this.#pause = undefined;
  }
}
