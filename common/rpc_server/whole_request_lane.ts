/**
 * HTTP/1.1 connections on which every request so far came whole, which is how short calls are sent.
 * node:http makes an object, two streams and a dozen listeners of each request, and costs half of
 * what such a call costs altogether; here it is read and answered in one piece. Owns the sockets it
 * is given, each until it closes or brings something else: from then on it is node:http's, which
 * knows what to do about clients that are slow, early or hostile.
 *
 * | a connection is  | a plain call came | other bytes came      | quiet for too long | the server closes       |
 * |------------------|-------------------|-----------------------|--------------------|-------------------------|
 * | idle             | called            | handed over           | ended              | ended                   |
 * | called           | bytes are kept    | bytes are kept        | stays              | ended with its answer   |
 * | answered         | idle, or with bytes kept meanwhile: handed over with them                            |||
 */

import type { Socket } from "node:net";
import type { Clock, TimerHandle } from "../clock/mod.ts";
import type { Http1Limits } from "./http1_limits.ts";
import type { PeerDirectory } from "./peer.ts";
import type { UnaryMethod } from "./unary_method.ts";
import { type CallConnection, WholeCall } from "./whole_call.ts";
import { readWholeRequest } from "./whole_request.ts";

/** What the connections of a lane share. */
export interface LaneOptions {
  /** The method of a path, for calls of the Connect protocol. */
  readonly methodAt: (path: string) => UnaryMethod | undefined;
  readonly peers: PeerDirectory;
  readonly limits: Http1Limits;
  /** Whether the listener still takes calls: if not, answers end their connection. */
  readonly isOpen: () => boolean;
  /** Where connections go that bring anything else; the bytes follow as an event. */
  readonly handOver: (socket: Socket) => void;
  readonly clock: Clock;
}

/** How often idle connections are looked at, at most. */
const TICK_MS = 5_000;

/** Bytes that are kept of what comes during a call; what comes beyond waits with its sender. */
const KEPT_MAX_BYTES = 64 * 1024;

/** See the head of this file. */
export class WholeRequestLane {
  readonly #connections = new Set<LaneConnection>();
  readonly #tickMs: number;
  #timer: TimerHandle | undefined;
  #date = { second: 0, line: "" };

  constructor(readonly options: LaneOptions) {
    const { idleTimeoutMs, headersTimeoutMs } = options.limits;
    this.#tickMs = Math.min(TICK_MS, idleTimeoutMs, headersTimeoutMs);
  }

  take(socket: Socket): void {
    this.#connections.add(new LaneConnection(socket, this));
    this.#arm();
  }

  /** Ends connections without a call; the others end with their answer. */
  drain(): void {
    for (const connection of this.#connections) connection.endIfIdle();
  }

  /** Ends the supervision of idle connections; call it when none is left. */
  stop(): void {
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
  }

  forget(connection: LaneConnection): void {
    this.#connections.delete(connection);
  }

  /** The field that every answer of an origin server carries (RFC 9110 section 6.6.1). */
  dateLine(): string {
    const nowMs = this.options.clock.nowMs();
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#date.second) {
      this.#date = { second, line: `date: ${new Date(nowMs).toUTCString()}\r\n` };
    }
    return this.#date.line;
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#connections.size === 0) return;
    this.#timer = this.options.clock.setTimer(this.#tickMs, () => {
      this.#timer = undefined;
      for (const connection of this.#connections) connection.tick(this.#tickMs);
      this.#arm();
    });
  }
}

/** One connection of a lane. */
class LaneConnection implements CallConnection {
  #isCalled = false;
  #hasAnswered = false;
  #quietTicks = 0;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #onCallerGone: (() => void) | undefined;
  readonly #onData = (piece: Buffer) => this.#take(piece);
  readonly #onClose = () => {
    this.lane.forget(this);
    this.#onCallerGone?.();
  };

  constructor(private readonly socket: Socket, private readonly lane: WholeRequestLane) {
    socket.on("data", this.#onData);
    socket.on("close", this.#onClose);
  }

  onGone(listener: (() => void) | undefined): void {
    this.#onCallerGone = listener;
  }

  answer(head: string, body: string | Uint8Array): void {
    const { options: { isOpen, limits } } = this.lane;
    const { socket } = this;
    const isLast = !isOpen();
    const bodyBytes = Buffer.byteLength(body);
    const whole = `${head}content-length: ${bodyBytes}\r\n${this.lane.dateLine()}` +
      (isLast
        ? "connection: close\r\n\r\n"
        : `connection: keep-alive\r\nkeep-alive: timeout=${
          limits.idleTimeoutMs / 1000 | 0
        }\r\n\r\n`);
    this.#isCalled = false;
    this.#hasAnswered = true;
    this.#quietTicks = 0;
    // Most bodies are ASCII, and leave with their head as one text.
    const isTaken = typeof body === "string" && body.length === bodyBytes
      ? socket.write(whole + body, "latin1")
      : socket.write(Buffer.concat([Buffer.from(whole, "latin1"), Buffer.from(body)]));
    if (isLast) socket.destroySoon();
    else if (this.#keptBytes > 0) this.#handOver(Buffer.concat(this.#kept));
    // Whoever does not read answers gets no more of them.
    else if (!isTaken) this.#readOnceDrained();
  }

  endIfIdle(): void {
    if (!this.#isCalled) this.socket.destroySoon();
  }

  /** A tick of so many milliseconds is over. */
  tick(tickMs: number): void {
    if (this.#isCalled) return;
    // An answer may be long on its way, and its connection is not idle before it is gone.
    if (this.socket.writableLength > 0) this.#quietTicks = 0;
    const { idleTimeoutMs, headersTimeoutMs } = this.lane.options.limits;
    const limitMs = this.#hasAnswered ? idleTimeoutMs : headersTimeoutMs;
    if (this.#quietTicks++ * tickMs < limitMs) return;
    if (this.#hasAnswered) return void this.socket.destroy();
    this.socket.write("HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n");
    this.socket.destroySoon();
  }

  #take(piece: Buffer): void {
    if (this.#isCalled) return this.#keep(piece);
    const { methodAt, peers } = this.lane.options;
    const request = readWholeRequest(piece);
    const method = request && methodAt(request.target);
    const call = method && WholeCall.of(request, peers.ofConnection(this.socket), this);
    if (call === undefined) return this.#handOver(piece);
    this.#isCalled = true;
    method?.answer(call);
  }

  #keep(piece: Buffer): void {
    this.#kept.push(piece);
    this.#keptBytes += piece.length;
    if (this.#keptBytes >= KEPT_MAX_BYTES) this.socket.pause();
  }

  #handOver(bytes: Buffer): void {
    const { socket, lane } = this;
    lane.forget(this);
    socket.off("data", this.#onData);
    socket.off("close", this.#onClose);
    lane.options.handOver(socket);
    socket.resume();
    socket.emit("data", bytes);
  }

  #readOnceDrained(): void {
    this.socket.pause();
    this.socket.once("drain", () => this.socket.resume());
  }
}
