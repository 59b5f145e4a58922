/**
 * RPC plumbing shared by journal, agent, CLI and MCP server: listeners, transports, the names of
 * request metadata, and the guard without which the runtime's HTTP/2 can end the process.
 *
 * @module
 */

export type { Admit, IncomingCall } from "./admission.ts";
export { createRpcTransport, type RpcTransport, type RpcTransportOptions } from "./client.ts";
export { isTrustError, normalizeClientError } from "./client_error.ts";
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
export {
  type ErrorMapper,
  type FailedCall,
  hideInternalErrors,
  type InternalErrorReport,
} from "./error_mapping.ts";
export { connectFirstReachable, type FirstReachableOptions } from "./first_reachable.ts";
export { installHttp2Guard, isHttp2GuardInstalled } from "./guard.ts";
export type { HttpAnswer, HttpRoutes } from "./http_route.ts";
export { ListenError } from "./listen_error.ts";
export {
  type CallFacts,
  callHeaders,
  type Consistency,
  metadata,
  readBearerToken,
  readConsistency,
  readFreeText,
  readMinSequence,
  readRequestId,
} from "./metadata.ts";
export { type Peer, peerKey } from "./peer.ts";
export { isUnavailable, type RetryOptions, retryUnavailable } from "./retry.ts";
export { type RpcServer, type RpcServerOptions, serveRpc } from "./server.ts";
export type { ClientAuth, ServerTls } from "./server_tls.ts";
export { failOnSilence, type SilenceOptions } from "./silence.ts";
