/**
 * The listener of journal and agent: TLS with client certificates, who calls, admission, deadlines,
 * errors in the form of the wire, an orderly end.
 *
 * @module
 */

export type { Admit, IncomingCall } from "./admission.ts";
export {
  type ErrorMapper,
  type FailedCall,
  hideInternalErrors,
  type InternalErrorReport,
} from "./error_mapping.ts";
export type { HttpAnswer, HttpRoutes } from "./http_route.ts";
export type { PeerLife } from "./life_check.ts";
export type { LiveStream } from "./live_stream.ts";
export { ListenError } from "./listen_error.ts";
export { type Peer, peerKey } from "./peer.ts";
export { type PendingCall, pendingCallKey } from "./pending_call.ts";
export { type RpcServer, type RpcServerOptions, serveRpc } from "./server.ts";
export type { ClientAuth, ServerTls } from "./server_tls.ts";
