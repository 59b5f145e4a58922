/**
 * What a member serves to its peers: who is let in, and the calls of RaftService. It owns the
 * streams that peers have opened; they end by `endStreams`, or when their peers go.
 */
import { create } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ContextKey,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import { raft } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { Admit, IncomingCall } from "../../common/rpc_server/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import { CodecError, decodeMessages } from "./codec.ts";
import { certifiedMember, type Expectations, type Refusal } from "./gate.ts";
import { type Hello, helloOfHeaders, helloOfMessage } from "./hello.ts";
import type { Instances } from "./instances.ts";
import type { PeerCallKind, PeerHandler } from "./network.ts";
import { ServedStream } from "./served_stream.ts";
import { SnapshotReceiver } from "./snapshot_receiver.ts";

/** What the service needs from its network. */
export interface PeerServiceContext {
  readonly selfId: NodeId;
  readonly hello: () => Hello;
  readonly expectations: () => Expectations;
  readonly judge: (hello: Hello | undefined, certified: NodeId) => Refusal | undefined;
  readonly instances: Instances;
  readonly handler: PeerHandler;
  readonly onRefused: (refusal: Refusal) => void;
  /** A peer's stream begins. */
  readonly onOpened: (member: NodeId) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Caller {
  readonly member: NodeId;
  readonly hello: Hello;
}

const callerKey: ContextKey<Caller | undefined> = createContextKey<Caller | undefined>(undefined, {
  description: "the member that calls",
});

/** The service of one member. */
export class PeerService {
  /** The stream of each peer, one at a time. */
  readonly #streams = new Map<NodeId, ServedStream>();

  readonly #snapshots: SnapshotReceiver;

  constructor(private readonly context: PeerServiceContext) {
    this.#snapshots = new SnapshotReceiver(context.selfId, context.handler);
  }

  /** Peers whose messages can arrive. */
  get members(): ReadonlySet<NodeId> {
    return new Set(this.#streams.keys());
  }

  /** Lets in whom certificate and hello show to be another member of the same cluster (JRN-53). */
  readonly admit: Admit = ({ peer, header, method, contextValues }: IncomingCall) => {
    const certified = certifiedMember(peer, this.context.expectations());
    if (typeof certified !== "number") throw this.#refuse(certified, peer.remoteAddress);
    const hello = helloOfHeaders(header);
    const refusal = this.context.judge(hello, certified);
    if (refusal !== undefined || hello === undefined) {
      throw this.#refuse(refusal ?? noHello, peer.remoteAddress);
    }
    if (method !== "Exchange") this.#requireKnown(hello);
    contextValues.set(callerKey, { member: certified, hello });
  };

  readonly routes = (router: ConnectRouter): void => {
    router.service(raft.RaftService, {
      appendEntries: (request, call) => this.#deliver(request, call),
      vote: (request, call) => this.#deliver(request, call),
      installSnapshot: (request, call) => this.#install(request, call),
      forwardWrite: (request, call) => this.#answer("ForwardWrite", request, call),
      readIndex: (request, call) => this.#answer("ReadIndex", request, call),
      livenessBatch: (request, call) => this.#answer("LivenessBatch", request, call),
      exchange: (batches, call) => this.#exchange(batches, call),
    });
  };

  /** Ends the streams of peers that match. */
  endStreams(matches: (member: NodeId) => boolean): void {
    for (const [member, stream] of this.#streams) if (matches(member)) stream.end();
  }

  /** Ends the streams, and lets go of the snapshots that are not whole. */
  async close(): Promise<void> {
    this.endStreams(() => true);
    await this.#snapshots.close();
  }

  /** Ends streams on which nothing comes any more. */
  tick(nowMs: number): void {
    for (const [member, stream] of this.#streams) {
      stream.tick();
      if (!stream.isSilent(nowMs)) continue;
      this.context.log.warn("a member has fallen silent, its stream is ended", { member });
      stream.end(new PactError("UNAVAILABLE", "UNAVAILABLE: nothing was heard for too long"));
    }
  }

  async *#exchange(
    batches: AsyncIterable<raft.RaftBatch>,
    call: HandlerContext,
  ): AsyncGenerator<raft.RaftAnswer, void, undefined> {
    const caller = callerOf(call);
    const { member } = caller;
    const stream = this.#openStream(caller);
    const leave = await this.#claim(member, stream);
    if (call.signal.aborted) return leave();
    // A process has one stream; what it opened before is lost, or about to be.
    this.#streams.get(member)?.end();
    this.#streams.set(member, stream);
    call.signal.addEventListener("abort", () => stream.end(), { once: true });
    this.context.onOpened(member);
    void stream.read(batches);
    try {
      yield* stream.answers();
    } catch (error) {
      throw this.#asRefusal(error, member);
    } finally {
      stream.end();
      leave();
      if (this.#streams.get(member) === stream) this.#streams.delete(member);
    }
  }

  #openStream({ member, hello }: Caller): ServedStream {
    const { selfId, handler, judge, clock } = this.context;
    let clusterId = hello.clusterId;
    return new ServedStream({
      ends: { from: member, to: selfId },
      instanceId: hello.instanceId,
      hello: this.context.hello,
      onHello: (wire) => {
        const said = helloOfMessage(wire);
        const refusal = judge(said, member);
        if (refusal !== undefined) throw this.#refuse(refusal, `member ${member}`);
        if (said?.instanceId !== hello.instanceId) throw new CodecError("another instance id");
        clusterId = said.clusterId;
      },
      onMessages: (messages) => {
        if (clusterId === undefined) throw new CodecError("messages of a member of no cluster");
        handler.onMessages(member, messages);
      },
      calls: {
        answer: (kind, data, signal) => {
          if (clusterId === undefined) throw this.#refuse(noCluster, `member ${member}`);
          return handler.onCall(member, kind, data, signal);
        },
        onInternalError: (error, kind, incident) =>
          this.context.log.error("a call of a member failed", {
            method: kind,
            incident,
            error: String(error),
          }),
      },
      clock,
    });
  }

  /** @returns what is to be done when the stream has ended */
  async #claim(member: NodeId, stream: ServedStream): Promise<() => void> {
    const leave = await this.context.instances.claim(member, stream);
    if (leave !== undefined) return leave;
    const text = `another process is connected as member ${member}: every member needs a node id ` +
      "of its own, and one process only may run for it";
    this.context.onRefused({ reason: "duplicate-node-id", text });
    throw new PactError("DUPLICATE_NODE_ID", `DUPLICATE_NODE_ID: ${text}`);
  }

  #deliver({ data }: raft.RaftPayload, call: HandlerContext): raft.RaftPayload {
    const { member } = this.#soleCaller(call);
    try {
      const messages = decodeMessages(data, { from: member, to: this.context.selfId });
      if (messages.some(({ type }) => type === "Snap")) throw new CodecError("a Snap without file");
      this.context.handler.onMessages(member, messages);
    } catch (error) {
      throw this.#asRefusal(error, member);
    }
    return create(raft.RaftPayloadSchema);
  }

  async #install(
    request: raft.SnapshotRequest,
    call: HandlerContext,
  ): Promise<{ data: Uint8Array<ArrayBuffer> }> {
    const { member } = this.#soleCaller(call);
    try {
      return { data: await this.#snapshots.receive(member, request) };
    } catch (error) {
      throw this.#asRefusal(error, member);
    }
  }

  async #answer(
    kind: PeerCallKind,
    { data }: raft.RaftPayload,
    call: HandlerContext,
  ): Promise<{ data: Uint8Array<ArrayBuffer> }> {
    const { member } = this.#soleCaller(call);
    const answer = await this.context.handler.onCall(member, kind, data, call.signal);
    return { data: new Uint8Array(answer) };
  }

  /** @throws {PactError} while another process of the member is connected */
  #soleCaller(call: HandlerContext): Caller {
    const caller = callerOf(call);
    if (!this.context.instances.hasOther(caller.member, caller.hello.instanceId)) return caller;
    throw new PactError(
      "UNAVAILABLE",
      `UNAVAILABLE: another process is connected as member ${caller.member}`,
    );
  }

  #requireKnown({ clusterId, memberId }: Hello): void {
    if (clusterId !== undefined) return;
    throw this.#refuse(noCluster, `member ${memberId}`);
  }

  #refuse(refusal: Refusal, from: string): PactError {
    this.context.onRefused(refusal);
    this.context.log.warn("a peer is refused", { from, reason: refusal.reason, why: refusal.text });
    return new PactError("PERMISSION_DENIED", `PERMISSION_DENIED: ${refusal.text}`);
  }

  /** What cannot be understood is counted, and its sender told. */
  #asRefusal(error: unknown, member: NodeId): unknown {
    if (!(error instanceof CodecError) && !isUnreadable(error)) return error;
    this.context.onRefused({ reason: "malformed", text: error.message });
    this.context.log.warn("a member sent what cannot be understood", {
      member,
      why: error.message,
    });
    return new PactError("INVALID_ARGUMENT", `INVALID_ARGUMENT: ${error.message}`);
  }
}

const noCluster: Refusal = { reason: "other-cluster", text: "a caller that knows of no cluster" };
const noHello: Refusal = { reason: "malformed", text: "no hello that can be understood" };

/** Bytes that were no message of the service at all. */
function isUnreadable(error: unknown): error is ConnectError {
  return error instanceof ConnectError && error.code === Code.InvalidArgument;
}

function callerOf(call: HandlerContext): Caller {
  const caller = call.values.get(callerKey);
  if (caller === undefined) throw new PactError("PERMISSION_DENIED", "PERMISSION_DENIED");
  return caller;
}
