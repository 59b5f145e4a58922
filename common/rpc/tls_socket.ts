import { TLSSocket } from "node:tls";
import { openClientSocket, requireAccepted, type SocketOptions } from "./client_socket.ts";
import { normalizeClientError } from "./client_error.ts";
import { connected } from "./connected.ts";

/** Which server, how it is recognised, and what is spoken with it. */
export interface TlsSocketOptions extends Omit<SocketOptions, "socketPath"> {
  /** `https://HOST:PORT` */
  endpoint: string;
  /** Offered by ALPN, the preferred one first; `alpnProtocol` of the socket says what was chosen. */
  alpnProtocols: readonly string[];
  connectTimeoutMs: number;
  /** Gives up connecting; says nothing about the connection afterwards. */
  signal?: AbortSignal;
}

/**
 * Opens a TLS connection for a protocol that is not HTTP, under the same rules as one of calls.
 *
 * @throws ConnectError Unavailable, or FailedPrecondition when the server is not trusted.
 */
export async function connectTlsSocket(options: TlsSocketOptions): Promise<TLSSocket> {
  const url = new URL(options.endpoint);
  const { signal } = options;
  const socket = openClientSocket(url, options);
  const onAbort = () => void socket.destroy();
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    if (!(socket instanceof TLSSocket)) throw new Error(`no TLS at ${options.endpoint}`);
    await connected(socket, {
      event: "secureConnect",
      authority: url.origin,
      timeoutMs: options.connectTimeoutMs,
    });
    if (options.refuseServer !== undefined) requireAccepted(socket, options.refuseServer);
    return socket;
  } catch (error) {
    socket.destroy();
    const situation = { endpoint: options.endpoint, canceledByCaller: signal?.aborted ?? false };
    throw normalizeClientError(error, situation);
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}
