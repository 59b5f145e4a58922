/**
 * One connection that a peer has opened in the members' own protocol. It owns the connection and, once
 * the peer is let in, its stream; either ends with the other.
 */
import type { Socket } from "node:net";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { raft } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Peer } from "../../common/rpc_server/mod.ts";
import { wireErrorOf } from "./call_error.ts";
import { CodecError } from "./codec.ts";
import { FrameSocket } from "./frame_socket.ts";
import { FRAME, type Frame, framed } from "./frames.ts";
import { helloOfMessage } from "./hello.ts";
import type { ServedStream } from "./served_stream.ts";
import type { Caller, ServedStreams } from "./served_streams.ts";
import { BATCH_MAX_BYTES, TIMING } from "./bounds.ts";

/** What a peer may say before it is let in. */
const GREETING_MAX_BYTES = 4096;

/** Serves the peer until it goes. */
export function serveFrames(
  socket: Socket,
  peer: () => Peer,
  streams: ServedStreams,
  clock: Clock,
): void {
  new FramedPeer(socket, peer, streams, clock);
}

class FramedPeer {
  readonly #connection: FrameSocket;
  readonly #greetingTimer: TimerHandle;
  #stream: ServedStream | undefined;
  #caller: Caller | undefined;
  #leave: (() => void) | undefined;
  #isGone = false;

  constructor(
    socket: Socket,
    private readonly peer: () => Peer,
    private readonly streams: ServedStreams,
    private readonly clock: Clock,
  ) {
    this.#greetingTimer = clock.setTimer(
      TIMING.connectMs,
      () => this.#end(new PactError("DEADLINE", "DEADLINE: the peer does not say who it is")),
    );
    this.#connection = new FrameSocket(socket, {
      bodyMaxBytes: GREETING_MAX_BYTES,
      next: () => this.#nextFrame(),
      onFrame: (frame) => this.#take(frame),
      onRefused: (error) => this.#end(error),
      onGone: () => this.#end(undefined),
      clock,
    });
  }

  #nextFrame(): Uint8Array | undefined {
    // Whoever is let in is greeted first.
    const answer = this.#leave === undefined ? undefined : this.#stream?.takeAnswer();
    return answer && framed(FRAME.answer, toBinary(raft.RaftAnswerSchema, answer));
  }

  #take({ kind, body }: Frame): void | Promise<void> {
    const stream = this.#stream;
    if (stream === undefined) return this.#greet(readBatch(kind, body));
    if (kind === FRAME.messages) stream.receiveMessages(body);
    else stream.receive(readBatch(kind, body));
  }

  /** Nothing else is taken until it is done. */
  async #greet(first: raft.RaftBatch): Promise<void> {
    this.clock.clearTimer(this.#greetingTimer);
    const caller = this.streams.admit(
      this.peer(),
      first.hello === undefined ? undefined : helloOfMessage(first.hello),
      { opensStream: true },
    );
    this.#caller = caller;
    const stream = this.streams.open(caller, {
      onDue: () => this.#connection.flushSoon(),
      onEnd: (error) => this.#end(error),
    });
    this.#stream = stream;
    this.#leave = await this.streams.enter(caller, stream, () => this.#isGone);
    if (this.#leave === undefined) return;
    stream.receive(first);
    this.#connection.allow(BATCH_MAX_BYTES);
    this.#connection.flushSoon();
  }

  /** Once, whoever ends it. The peer is told the error, if there is one. */
  #end(error: unknown): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.clock.clearTimer(this.#greetingTimer);
    this.#connection.end(error === undefined ? undefined : this.#lastFrame(error));
    this.#stream?.end();
    this.#leave?.();
  }

  #lastFrame(error: unknown): Uint8Array {
    const from = this.#caller === undefined
      ? this.peer().remoteAddress
      : `member ${this.#caller.member}`;
    const refusal = this.streams.asRefusal(error, from);
    const wire = wireErrorOf(
      refusal,
      (hidden, incident) => this.streams.reportFailure(hidden, "Exchange", incident),
    );
    return framed(FRAME.end, toBinary(raft.PeerCallErrorSchema, wire));
  }
}

function readBatch(kind: number, body: Uint8Array): raft.RaftBatch {
  if (kind !== FRAME.batch) throw new CodecError(`a frame of kind ${kind} from who dials`);
  try {
    return fromBinary(raft.RaftBatchSchema, body);
  } catch {
    throw new CodecError("a batch that cannot be read");
  }
}
