import { Code, ConnectError, type Interceptor, type Transport } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type { SecretPem } from "../secret/mod.ts";
import { type CallSituation, normalizeClientError } from "./client_error.ts";
import { callerInterceptor, type TokenSource } from "./client_interceptor.ts";
import type { IdentifyServer } from "./client_socket.ts";
import { ClientConnection } from "./connection.ts";
import { unaryDefaultTimeoutMs } from "./deadline.ts";
import { isPlaintextToRemote } from "./endpoint.ts";
import { mapIterableErrors } from "./iterable.ts";

/** How to reach a server and who calls. */
export interface RpcTransportOptions {
  /** `https://HOST:PORT`; `http://HOST:PORT` is cleartext. `parseEndpoint` makes one of user input. */
  endpoint: string;
  /** CAs to trust, one or several PEM blocks; the system's where absent. */
  caPem?: string;
  certPem?: string;
  keyPem?: SecretPem;
  /**
   * The name the server's certificate must carry where it is not the dialled host: an agent is
   * dialled by address and must show a certificate for its node id.
   */
  serverName?: string;
  /** A further look at the server's certificate; see `SocketOptions`. */
  refuseServer?: (certificateDer: Uint8Array) => string | undefined;
  /** A unix socket to connect to, for the endpoint `http://localhost`. */
  socketPath?: string;
  /** Stands in for the comparison of the server's certificate with its name. */
  identifyServer?: IdentifyServer;
  /** See `SocketOptions`; never together with a token. */
  trustsAnyServer?: boolean;
  token?: TokenSource;
  /** Name and version for the audit record, such as `pact-cli/0.1.0`. */
  clientName?: string;
  /** Deadline of unary calls that set none; default 30 s (API-6). Streams have none. */
  timeoutMs?: number;
  /** Default 3 s (CLI-5). */
  connectTimeoutMs?: number;
  /** Default none: compression hides back-pressure. */
  acceptCompression?: Compression[];
  /** Largest message accepted; default 16 MiB. */
  readMaxBytes?: number;
  writeMaxBytes?: number;
  interceptors?: readonly Interceptor[];
  /** Lets a token travel in cleartext to another machine (CLI-6). */
  allowPlaintextCredentials?: boolean;
}

/** A transport for Connect clients that can be closed, so that a process can end. */
export interface RpcTransport extends Transport, Disposable {
  readonly endpoint: string;
  /**
   * Opens the connection without a call, to find out whether the server can be reached.
   *
   * @throws ConnectError Unavailable, or FailedPrecondition when the server is not trusted.
   */
  connect(): Promise<void>;
  /** Ends the connection and the calls on it. */
  close(): void;
}

const messageMaxBytes = 16 * 1024 * 1024;
const connectDefaultTimeoutMs = 3_000;

/**
 * A gRPC transport to one server. Nothing is dialled before the first call.
 *
 * @throws ConnectError FailedPrecondition `refusing to send credentials over plaintext` for a token
 * and a cleartext endpoint on another machine (CLI-6).
 */
export function createRpcTransport(options: RpcTransportOptions): RpcTransport {
  requireSafeCredentials(options);
  const { endpoint } = options;
  const connection = new ClientConnection({
    ...options,
    connectTimeoutMs: options.connectTimeoutMs ?? connectDefaultTimeoutMs,
  });
  const inner = createGrpcTransport({
    baseUrl: endpoint,
    sessionManager: connection,
    acceptCompression: options.acceptCompression ?? [],
    readMaxBytes: options.readMaxBytes ?? messageMaxBytes,
    writeMaxBytes: options.writeMaxBytes ?? messageMaxBytes,
    interceptors: [callerInterceptor(options), ...(options.interceptors ?? [])],
  });
  const unaryTimeoutMs = options.timeoutMs ?? unaryDefaultTimeoutMs;
  const situation = (signal: AbortSignal | undefined): CallSituation => ({
    endpoint,
    canceledByCaller: signal?.aborted ?? false,
  });

  return {
    endpoint,
    async connect() {
      try {
        await connection.connect();
      } catch (error) {
        throw normalizeClientError(error, situation(undefined));
      }
    },
    close: () => connection.close(),
    [Symbol.dispose]: () => connection.close(),
    async unary(method, signal, timeoutMs, header, input, contextValues) {
      try {
        const deadlineMs = timeoutMs ?? unaryTimeoutMs;
        return await inner.unary(method, signal, deadlineMs, header, input, contextValues);
      } catch (error) {
        throw normalizeClientError(error, situation(signal));
      }
    },
    async stream(method, signal, timeoutMs, header, input, contextValues) {
      const normalize = (error: unknown) => normalizeClientError(error, situation(signal));
      try {
        const answer = await inner.stream(method, signal, timeoutMs, header, input, contextValues);
        return { ...answer, message: mapIterableErrors(answer.message, normalize) };
      } catch (error) {
        throw normalize(error);
      }
    },
  };
}

function requireSafeCredentials(options: RpcTransportOptions): void {
  if (options.trustsAnyServer === true && options.token !== undefined) {
    throw new ConnectError(
      "refusing to send credentials to a server that nobody vouches for",
      Code.FailedPrecondition,
    );
  }
  const allowed = options.token === undefined || options.allowPlaintextCredentials === true;
  if (!allowed && isPlaintextToRemote(options.endpoint)) {
    throw new ConnectError("refusing to send credentials over plaintext", Code.FailedPrecondition);
  }
}
