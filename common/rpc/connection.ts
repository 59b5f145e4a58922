/**
 * One HTTP/2 connection of a client, opened when first needed and again after a loss. It owns the
 * connection and ends by `close`; afterwards it opens no other.
 */

import type {
  ClientHttp2Stream,
  ClientSessionRequestOptions,
  OutgoingHttpHeaders,
} from "node:http2";
import type { SecureClientSessionOptions } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { Http2SessionManager } from "@connectrpc/connect-node";
import { systemClock } from "../clock/mod.ts";
import type { SecretPem } from "../tls/mod.ts";
import { installHttp2Guard } from "./guard.ts";
import { readAhead } from "./read_ahead.ts";

/** How to reach and to recognise the server. */
export interface ConnectionOptions {
  /** `https://HOST:PORT`, or `http://HOST:PORT` for cleartext. */
  endpoint: string;
  /** CAs to trust; the system's where absent. */
  caPem?: string;
  certPem?: string;
  keyPem?: SecretPem;
  /** The name the server's certificate must carry, where it is not the dialled host. */
  serverName?: string;
  connectTimeoutMs: number;
}

type RequestOptions = Omit<ClientSessionRequestOptions, "signal">;

/** The connection, in the shape that Connect's transports ask for. */
export class ClientConnection {
  readonly authority: string;
  readonly #manager: Http2SessionManager;
  readonly #connectTimeoutMs: number;
  #closed = false;

  constructor(options: ConnectionOptions) {
    installHttp2Guard();
    // No ping interval: its timer raises an error that nobody can catch when the peer dies.
    this.#manager = new Http2SessionManager(options.endpoint, {}, sessionOptions(options));
    this.authority = this.#manager.authority;
    this.#connectTimeoutMs = options.connectTimeoutMs;
  }

  /** @throws ConnectError Unavailable, or the TLS layer's error, unless connected in time. */
  async connect(): Promise<void> {
    if (this.#closed) throw new ConnectError("the transport is closed", Code.Unavailable);
    const late = Promise.withResolvers<never>();
    const timer = systemClock.setTimer(this.#connectTimeoutMs, () => {
      const error = new ConnectError(
        `no connection to ${this.authority} within ${this.#connectTimeoutMs} ms`,
        Code.Unavailable,
      );
      late.reject(error);
      this.#manager.abort(error);
    });
    try {
      const state = await Promise.race([this.#manager.connect(), late.promise]);
      if (state === "error") throw this.#manager.error();
    } finally {
      systemClock.clearTimer(timer);
    }
  }

  /** Opens a stream, connecting first where needed. */
  async request(
    method: string,
    path: string,
    headers: OutgoingHttpHeaders,
    options: RequestOptions,
  ): Promise<ClientHttp2Stream> {
    await this.connect();
    const stream = await this.#manager.request(method, path, headers, options);
    readAhead(stream);
    return stream;
  }

  notifyResponseByteRead(stream: ClientHttp2Stream): void {
    this.#manager.notifyResponseByteRead(stream);
  }

  /** Ends the connection and the calls on it. */
  close(): void {
    this.#closed = true;
    this.#manager.abort(new ConnectError("the transport is closed", Code.Canceled));
  }
}

function sessionOptions(options: ConnectionOptions): SecureClientSessionOptions {
  if (options.endpoint.startsWith("http:")) return {};
  return {
    minVersion: "TLSv1.3",
    ...(options.caPem === undefined ? {} : { ca: [options.caPem] }),
    ...(options.certPem === undefined ? {} : { cert: options.certPem }),
    ...(options.keyPem === undefined ? {} : { key: options.keyPem.reveal() }),
    ...(options.serverName === undefined ? {} : { servername: options.serverName }),
  };
}
