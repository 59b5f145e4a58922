import { constants, type ServerHttp2Session } from "node:http2";
import { Socket } from "node:net";

/** Connection window of HTTP/2 in bytes (journal.md section 16). */
const connectionWindowBytes = 1024 * 1024;

/** One live connection: an HTTP/2 session, or the socket of a connection of another protocol. */
export type Connection = ServerHttp2Session | Socket;

/** How a connection is ended, by its protocol. */
interface Ending {
  /** Lets running calls finish and takes no new ones. */
  drain(): void;
  end(): void;
}

/**
 * The live connections of one listener. Owns their number and their end; a connection leaves by
 * itself when it closes.
 */
export class SessionRegistry {
  readonly #connections = new Map<Connection, Ending>();
  readonly #sockets = new Set<Socket>();
  #draining = false;

  constructor(private readonly maxSessions: number) {}

  get size(): number {
    return this.#connections.size;
  }

  /** Takes a TCP connection in, so that the listener can be emptied at the end. */
  addSocket(socket: Socket): void {
    // Without a listener a reset by the peer would end the process.
    socket.on("error", () => {});
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
  }

  /** Takes a session in, or sends it away when the listener is full or closing: then false. */
  addSession(session: ServerHttp2Session): boolean {
    // Without a listener a peer's bad frame would end the process.
    session.on("error", () => {});
    const ending = { drain: () => session.close(), end: () => endSession(session) };
    if (!this.#isTaken(session, ending)) return false;
    session.setLocalWindowSize(connectionWindowBytes);
    return true;
  }

  /**
   * Takes a connection of another protocol than HTTP/2 in; false when it was sent away instead. Idle
   * ones are ended by whoever speaks on them.
   */
  addPlain(socket: Socket): boolean {
    socket.on("error", () => {});
    return this.#isTaken(socket, { drain: () => {}, end: () => void socket.destroy() });
  }

  /** Ends one connection, calls and all. */
  end(connection: Connection): void {
    this.#connections.get(connection)?.end();
  }

  /** Ends the connections that match, calls and all. Returns how many. */
  disconnect(matches: (connection: Connection) => boolean): number {
    const ended = [...this.#connections].filter(([connection]) => matches(connection));
    for (const [, ending] of ended) ending.end();
    return ended.length;
  }

  /** The HTTP/2 sessions that match. */
  http2Sessions(matches: (session: ServerHttp2Session) => boolean): ServerHttp2Session[] {
    return [...this.#connections.keys()].flatMap((connection) =>
      !(connection instanceof Socket) && matches(connection) ? [connection] : []
    );
  }

  /** Asks every peer to go and lets running calls finish. New connections are sent away. */
  drain(): void {
    this.#draining = true;
    for (const ending of this.#connections.values()) ending.drain();
  }

  /** Ends whatever is still there. */
  destroyAll(): void {
    this.#draining = true;
    for (const ending of this.#connections.values()) ending.end();
    for (const socket of this.#sockets) socket.destroy();
  }

  #isTaken(connection: Connection, ending: Ending): boolean {
    if (this.#draining || this.#connections.size >= this.maxSessions) {
      ending.end();
      return false;
    }
    this.#connections.set(connection, ending);
    connection.once("close", () => this.#connections.delete(connection));
    return true;
  }
}

/** The code tells the peer that its calls were cut off, not finished. */
function endSession(session: ServerHttp2Session): void {
  session.destroy(undefined, constants.NGHTTP2_CANCEL);
}
