import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";

/** Connection window of HTTP/2 in bytes (journal.md section 16). */
const connectionWindowBytes = 1024 * 1024;

/**
 * The highest stream id there is: a GOAWAY with it announces the end and refuses no stream that is
 * on its way (RFC 9113 6.8). The runtime's own `close` sends id 0, on which clients give up the
 * calls that are running.
 */
const highestStreamId = 2 ** 31 - 1;
const noError = 0;

/**
 * The live connections of one listener. Owns their number and their end; a connection leaves by
 * itself when it closes.
 */
export class SessionRegistry {
  /** Each session with the number of its open streams. */
  readonly #sessions = new Map<ServerHttp2Session, number>();
  readonly #sockets = new Set<Socket>();
  #draining = false;

  constructor(private readonly maxSessions: number) {}

  get size(): number {
    return this.#sessions.size;
  }

  /** Takes a TCP connection in, so that the listener can be emptied at the end. */
  addSocket(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  /** Takes a session in, or sends it away when the listener is full or closing. */
  addSession(session: ServerHttp2Session): void {
    // Without a listener a peer's bad frame would end the process.
    session.on("error", () => {});
    if (this.#draining || this.#sessions.size >= this.maxSessions) {
      session.close();
      return;
    }
    this.#sessions.set(session, 0);
    session.once("close", () => this.#sessions.delete(session));
    session.on("stream", (stream) => {
      this.#countStreams(session, 1);
      stream.once("close", () => this.#countStreams(session, -1));
    });
    session.setLocalWindowSize(connectionWindowBytes);
  }

  /** Ends the sessions that match, streams and all. Returns how many. */
  disconnect(matches: (session: ServerHttp2Session) => boolean): number {
    const ended = [...this.#sessions.keys()].filter(matches);
    for (const session of ended) session.destroy();
    return ended.length;
  }

  /** Asks every peer to go and lets running calls finish. New sessions are sent away. */
  drain(): void {
    this.#draining = true;
    for (const [session, streams] of this.#sessions) {
      session.goaway(noError, highestStreamId);
      if (streams === 0) session.close();
    }
  }

  /** Ends whatever is still there. */
  destroyAll(): void {
    this.#draining = true;
    for (const session of this.#sessions.keys()) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }

  #countStreams(session: ServerHttp2Session, change: number): void {
    const before = this.#sessions.get(session);
    if (before === undefined) return;
    this.#sessions.set(session, before + change);
    if (this.#draining && before + change === 0) session.close();
  }
}
