/**
 * The streams that peers have opened, whatever carries them: who is let in, one stream for each
 * member. They end by `endStreams`, or when their peers go.
 */
import { Code, ConnectError } from "@connectrpc/connect";
import type { Clock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { Message, NodeId } from "../raft/mod.ts";
import { CodecError } from "./codec.ts";
import { certifiedMember, type Expectations, type Refusal, type ShownCertificate } from "./gate.ts";
import { type Hello, helloOfMessage } from "./hello.ts";
import type { Instances } from "./instances.ts";
import type { PeerDirectories, PeerHandler } from "./network.ts";
import { ServedStream, type ServedStreamOptions } from "./served_stream.ts";

/** What the streams need from their network. */
export interface ServedStreamsContext {
  readonly selfId: NodeId;
  readonly hello: () => Hello;
  readonly expectations: () => Expectations;
  readonly judge: (hello: Hello | undefined, certified: NodeId) => Refusal | undefined;
  readonly instances: Instances;
  readonly handler: PeerHandler;
  /** Absent where nobody's data directory matters. */
  readonly directories?: PeerDirectories;
  readonly onRefused: (refusal: Refusal) => void;
  /** A peer's stream begins. */
  readonly onOpened: (member: NodeId) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Who has been let in, and who it said it is. */
export interface Caller {
  readonly member: NodeId;
  readonly hello: Hello;
}

/** The streams of one member's peers. */
export class ServedStreams {
  /** The stream of each peer, one at a time. */
  readonly #streams = new Map<NodeId, ServedStream>();

  constructor(private readonly context: ServedStreamsContext) {}

  /** Peers whose messages can arrive, and the data directories they say they have. */
  directories(): ReadonlyMap<NodeId, string | undefined> {
    return new Map([...this.#streams].map(([id, { directoryId }]) => [id, directoryId]));
  }

  /** The newest form of records that a peer of these reads, if it says so. */
  recordFormatOf(member: NodeId): number | undefined {
    return this.#streams.get(member)?.recordFormat;
  }

  /**
   * Lets in whom certificate and hello show to be another member of the same cluster (JRN-53). Of a
   * stream its data directory is judged when it is entered: whether it is a second process is asked
   * first, which is the better news to whoever started it (section 17).
   *
   * @throws {PactError} PERMISSION_DENIED, OTHER_DIRECTORY
   */
  admit(
    shown: ShownCertificate & { remoteAddress: string },
    hello: Hello | undefined,
    { opensStream }: { readonly opensStream: boolean },
  ): Caller {
    const member = certifiedMember(shown, this.context.expectations());
    if (typeof member !== "number") throw this.refuse(member, shown.remoteAddress);
    const refusal = this.context.judge(hello, member);
    const isJudgedLater = opensStream && refusal?.reason === "other-directory";
    if ((refusal !== undefined && !isJudgedLater) || hello === undefined) {
      throw this.refuse(refusal ?? noHello, shown.remoteAddress);
    }
    return { member, hello };
  }

  /** A stream that counts once it has been entered. */
  open(
    caller: Caller,
    ends: Pick<ServedStreamOptions, "onDue" | "onEnd">,
  ): ServedStream {
    const { member, hello } = caller;
    const { selfId, handler, judge, clock } = this.context;
    let clusterId = hello.clusterId;
    return new ServedStream({
      ...ends,
      ends: { from: member, to: selfId },
      instanceId: hello.instanceId,
      directoryId: hello.directoryId,
      recordFormat: hello.recordFormat,
      hello: this.context.hello,
      onHello: (wire) => {
        const said = helloOfMessage(wire);
        const refusal = judge(said, member);
        if (refusal !== undefined) throw this.refuse(refusal, `member ${member}`);
        if (said?.instanceId !== hello.instanceId) throw new CodecError("another instance id");
        if (said.directoryId !== hello.directoryId) throw new CodecError("another directory id");
        clusterId = said.clusterId;
      },
      onMessages: (messages) => {
        if (clusterId === undefined) throw new CodecError("messages of a member of no cluster");
        handler.onMessages(member, this.taken(messages, caller));
      },
      calls: {
        answer: (kind, data, signal) => {
          if (clusterId === undefined) throw this.refuse(noCluster, `member ${member}`);
          return handler.onCall(member, kind, data, signal);
        },
        onInternalError: (error, kind, incident) => this.reportFailure(error, kind, incident),
      },
      clock,
    });
  }

  /**
   * Lets the peer's process speak on its stream.
   *
   * @returns what is to be done when the stream has ended; undefined when `isGone` by then
   * @throws {PactError} DUPLICATE_NODE_ID, OTHER_DIRECTORY
   */
  async enter(
    { member, hello }: Caller,
    stream: ServedStream,
    isGone: () => boolean,
  ): Promise<(() => void) | undefined> {
    const leave = await this.#claim(member, stream);
    if (isGone()) {
      leave();
      return undefined;
    }
    const refusal = this.context.judge(hello, member);
    if (refusal !== undefined) {
      leave();
      throw this.refuse(refusal, `member ${member}`);
    }
    // A process has one stream; what it opened before is lost, or about to be.
    this.#streams.get(member)?.end();
    this.#streams.set(member, stream);
    this.context.onOpened(member);
    return () => {
      leave();
      if (this.#streams.get(member) === stream) this.#streams.delete(member);
    };
  }

  /**
   * What is listened to of what a peer sends. Looked at with every batch, for a stream may be older
   * than what is known of its peer.
   *
   * @throws {PactError} when nothing is, now or later
   */
  taken(messages: readonly Message[], { member, hello }: Caller): readonly Message[] {
    const { directories, judge } = this.context;
    const verdict = directories?.judge(member, hello.directoryId) ?? "counts";
    if (verdict === "counts") return messages;
    const refusal = judge(hello, member);
    if (refusal !== undefined) throw this.refuse(refusal, `member ${member}`);
    return messages.filter(({ type }) => directories?.isTaken(verdict, type));
  }

  /** Ends the streams of peers that match. */
  endStreams(matches: (member: NodeId) => boolean): void {
    for (const [member, stream] of this.#streams) if (matches(member)) stream.end();
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

  /** @throws {PactError} while another process of the member is connected */
  requireSole({ member, hello }: Caller): void {
    if (!this.context.instances.hasOther(member, hello.instanceId)) return;
    throw new PactError(
      "UNAVAILABLE",
      `UNAVAILABLE: another process is connected as member ${member}`,
    );
  }

  /** @throws {PactError} PERMISSION_DENIED for a caller that knows of no cluster */
  requireKnown({ clusterId, memberId }: Hello): void {
    if (clusterId === undefined) throw this.refuse(noCluster, `member ${memberId}`);
  }

  /** Counts a refusal, and makes what the peer is told of it. */
  refuse(refusal: Refusal, from: string): PactError {
    this.context.onRefused(refusal);
    this.context.log.warn("a peer is refused", { from, reason: refusal.reason, why: refusal.text });
    const code = refusal.reason === "other-directory" ? "OTHER_DIRECTORY" : "PERMISSION_DENIED";
    return new PactError(code, `${code}: ${refusal.text}`);
  }

  /** What cannot be understood is counted, and its sender told. */
  asRefusal(error: unknown, from: string): unknown {
    if (!(error instanceof CodecError) && !isUnreadable(error)) return error;
    this.context.onRefused({ reason: "malformed", text: error.message });
    this.context.log.warn("a peer sent what cannot be understood", { from, why: error.message });
    return new PactError("INVALID_ARGUMENT", `INVALID_ARGUMENT: ${error.message}`);
  }

  /** What its sender learns only the incident's id of. */
  reportFailure(error: unknown, method: string, incident: string): void {
    this.context.log.error("a call of a member failed", { method, incident, error: String(error) });
  }

  async #claim(member: NodeId, stream: ServedStream): Promise<() => void> {
    const leave = await this.context.instances.claim(member, stream);
    if (leave !== undefined) return leave;
    const text = `another process is connected as member ${member}: every member needs a node id ` +
      "of its own, and one process only may run for it";
    this.context.onRefused({ reason: "duplicate-node-id", text });
    throw new PactError("DUPLICATE_NODE_ID", `DUPLICATE_NODE_ID: ${text}`);
  }
}

const noCluster: Refusal = { reason: "other-cluster", text: "a caller that knows of no cluster" };
const noHello: Refusal = { reason: "malformed", text: "no hello that can be understood" };

/** Bytes that were no message of the service at all. */
function isUnreadable(error: unknown): error is ConnectError {
  return error instanceof ConnectError && error.code === Code.InvalidArgument;
}
