/** What a member serves to its peers over HTTP/2: the calls of RaftService. */
import { create } from "@bufbuild/protobuf";
import {
  type ConnectRouter,
  type ContextKey,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import { raft } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Admit, IncomingCall } from "../../common/rpc_server/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import { Alarm } from "./alarm.ts";
import { CodecError, decodeMessages } from "./codec.ts";
import { helloOfHeaders } from "./hello.ts";
import type { PeerCallKind, PeerHandler } from "./network.ts";
import type { ServedStream } from "./served_stream.ts";
import type { Caller, ServedStreams } from "./served_streams.ts";
import { SnapshotReceiver } from "./snapshot_receiver.ts";

const callerKey: ContextKey<Caller | undefined> = createContextKey<Caller | undefined>(undefined, {
  description: "the member that calls",
});

/** The service of one member. */
export class PeerService {
  readonly #snapshots: SnapshotReceiver;

  constructor(
    private readonly selfId: NodeId,
    private readonly handler: PeerHandler,
    private readonly streams: ServedStreams,
  ) {
    this.#snapshots = new SnapshotReceiver(selfId, handler);
  }

  /** Lets in whom certificate and hello show to be another member of the same cluster (JRN-53). */
  readonly admit: Admit = ({ peer, header, method, contextValues }: IncomingCall) => {
    const opensStream = method === "Exchange";
    const caller = this.streams.admit(peer, helloOfHeaders(header), { opensStream });
    if (!opensStream) this.streams.requireKnown(caller.hello);
    contextValues.set(callerKey, caller);
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

  /** Lets go of the snapshots that are not whole. */
  async close(): Promise<void> {
    await this.#snapshots.close();
  }

  async *#exchange(
    batches: AsyncIterable<raft.RaftBatch>,
    call: HandlerContext,
  ): AsyncGenerator<raft.RaftAnswer, void, undefined> {
    const caller = callerOf(call);
    const { member } = caller;
    const alarm = new Alarm();
    let end: { readonly error: unknown } | undefined;
    const stream = this.streams.open(caller, {
      onDue: () => alarm.ring(),
      onEnd: (error) => {
        end = { error };
        alarm.ring();
      },
    });
    const leave = await this.streams.enter(caller, stream, () => call.signal.aborted);
    if (leave === undefined) return;
    call.signal.addEventListener("abort", () => stream.end(), { once: true });
    void readAll(batches, stream);
    try {
      // Ends with the stream.
      while (end === undefined) {
        const answer = stream.takeAnswer();
        if (answer === undefined) await alarm.rung();
        else yield answer;
      }
      if (end.error !== undefined) throw this.streams.asRefusal(end.error, `member ${member}`);
    } finally {
      stream.end();
      leave();
    }
  }

  #deliver({ data }: raft.RaftPayload, call: HandlerContext): raft.RaftPayload {
    const caller = this.#soleCaller(call);
    const { member } = caller;
    try {
      const messages = decodeMessages(data, { from: member, to: this.selfId });
      if (messages.some(({ type }) => type === "Snap")) throw new CodecError("a Snap without file");
      this.handler.onMessages(member, this.streams.taken(messages, caller));
    } catch (error) {
      throw this.streams.asRefusal(error, `member ${member}`);
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
      throw this.streams.asRefusal(error, `member ${member}`);
    }
  }

  async #answer(
    kind: PeerCallKind,
    { data }: raft.RaftPayload,
    call: HandlerContext,
  ): Promise<{ data: Uint8Array<ArrayBuffer> }> {
    const { member } = this.#soleCaller(call);
    const answer = await this.handler.onCall(member, kind, data, call.signal);
    return { data: new Uint8Array(answer) };
  }

  /** @throws {PactError} while another process of the member is connected */
  #soleCaller(call: HandlerContext): Caller {
    const caller = callerOf(call);
    this.streams.requireSole(caller);
    return caller;
  }
}

/** Takes everything that comes; ends the stream when nothing more does, and never throws. */
async function readAll(
  batches: AsyncIterable<raft.RaftBatch>,
  stream: ServedStream,
): Promise<void> {
  try {
    for await (const batch of batches) stream.receive(batch);
    stream.end();
  } catch (error) {
    stream.end(error);
  }
}

function callerOf(call: HandlerContext): Caller {
  const caller = call.values.get(callerKey);
  if (caller === undefined) throw new PactError("PERMISSION_DENIED", "PERMISSION_DENIED");
  return caller;
}
