/**
 * A connection of the members' own protocol. It owns the socket, what has come in and is not taken
 * yet, and nothing of what goes out: that is asked for when there is room for it. It ends by `end`,
 * or when the peer goes, or sends what is not taken.
 */
import type { Socket } from "node:net";
import type { Clock } from "../../common/clock/mod.ts";
import { type Frame, FrameReader } from "./frames.ts";

/** What a connection needs from whoever speaks on it. */
export interface FrameSocketOptions {
  readonly bodyMaxBytes: number;
  /** The next frame to send; undefined when there is none. */
  readonly next: () => Uint8Array | undefined;
  /**
   * Takes what the peer sent, one after the other: where a promise is returned, the next frame waits
   * for it, and the peer in the end.
   */
  readonly onFrame: (frame: Frame) => void | Promise<void>;
  /** The peer has sent what is no frame, or what `onFrame` threw at: to be ended with this error. */
  readonly onRefused: (error: unknown) => void;
  /** The peer has ended the connection, or something broke it. */
  readonly onGone: (error?: Error) => void;
  readonly clock: Clock;
}

/** How much may wait in the socket: more of it waits where it can be given up. */
const SOCKET_MAX_BYTES = 256 * 1024;
/** How long a peer may take to read why the connection ends. */
const LAST_WORD_MS = 500;

/** One connection, from the end of its handshake on. */
export class FrameSocket {
  readonly #reader: FrameReader;
  #isFlushDue = false;
  #isBusy = false;
  #isEnded = false;

  constructor(private readonly socket: Socket, private readonly options: FrameSocketOptions) {
    this.#reader = new FrameReader(options.bodyMaxBytes);
    socket.on("data", (bytes: Uint8Array) => {
      this.#reader.push(bytes);
      this.#read();
    });
    socket.on("drain", () => this.#flush());
    socket.on("error", (error) => this.#gone(error));
    socket.on("end", () => this.#gone());
    socket.on("close", () => this.#gone());
    if (socket.destroyed) queueMicrotask(() => this.#gone());
  }

  /** Larger frames count from now on. */
  allow(bodyMaxBytes: number): void {
    this.#reader.bodyMaxBytes = bodyMaxBytes;
  }

  /** Sends what there is, in a later turn of the event loop: all of one turn goes together. */
  flushSoon(): void {
    if (this.#isFlushDue || this.#isEnded) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  /** Ends the connection, with a last word to the peer. Nothing is heard of it any more. */
  end(lastFrame?: Uint8Array): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (lastFrame === undefined) return void this.socket.destroy();
    this.socket.end(lastFrame);
    const timer = this.options.clock.setTimer(LAST_WORD_MS, () => this.socket.destroy());
    this.socket.once("close", () => this.options.clock.clearTimer(timer));
  }

  /** Ends when there is nothing to send: whoever queues it has bounds. */
  #flush(): void {
    while (!this.#isEnded && this.socket.writableLength < SOCKET_MAX_BYTES) {
      const frame = this.options.next();
      if (frame === undefined) return;
      this.socket.write(frame);
    }
  }

  /** Ends with what has come in. */
  #read(): void {
    try {
      while (!this.#isBusy && !this.#isEnded) {
        const frame = this.#reader.next();
        if (frame === undefined) return;
        const taken = this.options.onFrame(frame);
        if (taken !== undefined) this.#wait(taken);
      }
    } catch (error) {
      this.#refused(error);
    }
  }

  #wait(taken: Promise<void>): void {
    this.#isBusy = true;
    this.socket.pause();
    taken.then(() => {
      this.#isBusy = false;
      this.socket.resume();
      this.#read();
    }).catch((error) => this.#refused(error));
  }

  #refused(error: unknown): void {
    if (this.#isEnded) return;
    this.options.onRefused(error);
    this.end();
  }

  #gone(error?: Error): void {
    if (this.#isEnded) return;
    this.end();
    this.options.onGone(error);
  }
}
