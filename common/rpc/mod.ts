/**
 * RPC plumbing of every caller, and what both sides agree on: transports, the names of request
 * metadata, and the guard without which the runtime's HTTP/2 can end the process. Listeners are in
 * rpc_server/, so that a program which only calls does not load what they need.
 *
 * @module
 */

export { createRpcTransport, type RpcTransport, type RpcTransportOptions } from "./client.ts";
export { isTrustError, normalizeClientError } from "./client_error.ts";
export type { IdentifyServer } from "./client_socket.ts";
export type { TokenSource } from "./client_interceptor.ts";
export { unaryDefaultTimeoutMs } from "./deadline.ts";
export {
  agentDefaultPort,
  EndpointError,
  isLoopback,
  isPlaintextToRemote,
  journalDefaultPort,
  parseEndpoint,
} from "./endpoint.ts";
export { connectFirstReachable, type FirstReachableOptions } from "./first_reachable.ts";
export { installHttp2Guard, isHttp2GuardInstalled } from "./guard.ts";
export { mapIterableErrors } from "./iterable.ts";
export {
  type CallFacts,
  callHeaders,
  type Consistency,
  metadata,
  readBearerToken,
  readConsistency,
  readFreeText,
  readKnownVersion,
  readMinSequence,
  readRequestId,
} from "./metadata.ts";
export { isUnavailable, type RetryOptions, retryUnavailable } from "./retry.ts";
export { connectTlsSocket, type TlsSocketOptions } from "./tls_socket.ts";
export { failOnSilence, type SilenceOptions } from "./silence.ts";
