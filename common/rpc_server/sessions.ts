import { constants, type ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";

/** Connection window of HTTP/2 in bytes (journal.md section 16). */
const connectionWindowBytes = 1024 * 1024;

/**
 * The live connections of one listener. Owns their number and their end; a connection leaves by
 * itself when it closes.
 */
export class SessionRegistry {
  readonly #sessions = new Set<ServerHttp2Session>();
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

  /** Takes a session in, or sends it away when the listener is full or closing: then false. */
  addSession(session: ServerHttp2Session): boolean {
    // Without a listener a peer's bad frame would end the process.
    session.on("error", () => {});
    if (this.#draining || this.#sessions.size >= this.maxSessions) {
      endNow(session);
      return false;
    }
    this.#sessions.add(session);
    session.once("close", () => this.#sessions.delete(session));
    session.setLocalWindowSize(connectionWindowBytes);
    return true;
  }

  /** Ends the sessions that match, streams and all. Returns how many. */
  disconnect(matches: (session: ServerHttp2Session) => boolean): number {
    const ended = [...this.#sessions].filter(matches);
    for (const session of ended) endNow(session);
    return ended.length;
  }

  /** Asks every peer to go and lets running calls finish. New sessions are sent away. */
  drain(): void {
    this.#draining = true;
    for (const session of this.#sessions) session.close();
  }

  /** Ends whatever is still there. */
  destroyAll(): void {
    this.#draining = true;
    for (const session of this.#sessions) endNow(session);
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** The code tells the peer that its calls were cut off, not finished. */
function endNow(session: ServerHttp2Session): void {
  session.destroy(undefined, constants.NGHTTP2_CANCEL);
}
