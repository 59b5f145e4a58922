/**
 * One HTTP/2 connection of a client, opened when first needed and again after a loss or a GOAWAY.
 * It owns its sessions and ends by `close`; afterwards it opens no other.
 *
 * It stands in for the session manager of connect-node, which spins for ever, and the process with
 * it, when a session dies in the moment it connects, as one whose certificate is refused does.
 */

import * as http2 from "node:http2";
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  ClientSessionRequestOptions,
  OutgoingHttpHeaders,
} from "node:http2";
import type { Socket } from "node:net";
import { Code, ConnectError } from "@connectrpc/connect";
import { openClientSocket, requireAccepted, type SocketOptions } from "./client_socket.ts";
import { connected } from "./connected.ts";
import { installHttp2Guard } from "./guard.ts";
import { readAhead } from "./read_ahead.ts";

/** Which server, how it is recognised, and how long connecting may take. */
export interface ConnectionOptions extends SocketOptions {
  /** `https://HOST:PORT`, or `http://HOST:PORT` for cleartext. */
  endpoint: string;
  connectTimeoutMs: number;
}

type RequestOptions = Omit<ClientSessionRequestOptions, "signal">;

/** A connection without calls is closed after this time; the next call opens another. */
const idleMaxMs = 15 * 60_000;

/** The connection, in the shape that Connect's transports ask for. */
export class ClientConnection {
  readonly authority: string;
  readonly #options: ConnectionOptions;
  /** Live sessions with their open streams; those told to go finish their calls. */
  readonly #streams = new Map<ClientHttp2Session, Set<ClientHttp2Stream>>();
  /** The session that takes new calls. */
  #current: ClientHttp2Session | undefined;
  #opening: Promise<ClientHttp2Session> | undefined;
  #closed = false;

  constructor(options: ConnectionOptions) {
    installHttp2Guard();
    this.#options = options;
    this.authority = new URL(options.endpoint).origin;
  }

  /** @throws ConnectError Unavailable, or the TLS layer's error, unless connected in time. */
  async connect(): Promise<void> {
    await this.#ready();
  }

  /** Opens a stream, connecting first where needed. */
  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: RequestOptions,
  ): Promise<ClientHttp2Stream> {
    const session = await this.#ready();
    const stream = session.request({ ...headers, ":method": method, ":path": path }, options);
    this.#hold(session, stream);
    readAhead(stream);
    return stream;
  }

  /** Part of the shape; there are no pings that a sign of life would put off. */
  notifyResponseByteRead(_stream: ClientHttp2Stream): void {}

  /** Ends the connection and the calls on it. */
  close(): void {
    this.#closed = true;
    this.#current = undefined;
    for (const [session, streams] of this.#streams) {
      // A stream without an answer so far learns nothing of its session's end.
      for (const stream of streams) stream.destroy(closedError());
      session.destroy(undefined, http2.constants.NGHTTP2_CANCEL);
    }
  }

  async #ready(): Promise<ClientHttp2Session> {
    if (this.#closed) throw closedError();
    const current = this.#current;
    if (current !== undefined && !current.closed && !current.destroyed) return current;
    this.#opening ??= this.#open().finally(() => this.#opening = undefined);
    return await this.#opening;
  }

  async #open(): Promise<ClientHttp2Session> {
    const { endpoint, connectTimeoutMs, refuseServer } = this.#options;
    let socket: Socket | undefined;
    const session = http2.connect(endpoint, {
      createConnection: (authority) => socket = openClientSocket(authority, this.#options),
    });
    this.#streams.set(session, new Set());
    session.once("close", () => this.#forget(session));
    session.once("goaway", () => this.#retire(session));
    session.setTimeout(idleMaxMs, () => {
      if (this.#streams.get(session)?.size === 0) session.close();
    });
    try {
      await connected(session, {
        event: "connect",
        authority: this.authority,
        timeoutMs: connectTimeoutMs,
      });
      if (refuseServer !== undefined) requireAccepted(socket, refuseServer);
    } catch (error) {
      session.destroy();
      throw error;
    }
    // An idle connection does not keep the process alive; one with calls does.
    session.unref();
    this.#current = session;
    return session;
  }

  /** Counts a stream among its session's until it is closed; with one the process stays alive. */
  #hold(session: ClientHttp2Session, stream: ClientHttp2Stream): void {
    const streams = this.#streams.get(session);
    if (streams === undefined) return;
    streams.add(stream);
    session.ref();
    stream.once("close", () => {
      streams.delete(stream);
      if (streams.size === 0) session.unref();
    });
  }

  #retire(session: ClientHttp2Session): void {
    if (this.#current === session) this.#current = undefined;
  }

  #forget(session: ClientHttp2Session): void {
    this.#retire(session);
    this.#streams.delete(session);
  }
}

function closedError(): ConnectError {
  return new ConnectError("the transport is closed", Code.Unavailable);
}
