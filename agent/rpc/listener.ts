/**
 * The node's RPC listener. It owns its socket; it opens once the node has a certificate, takes over
 * renewed ones, and ends by `close`.
 */

import { type agentport, shell } from "../../api/mod.ts";
import type { TokenVerifier } from "../../common/auth/mod.ts";
import type { Principal } from "../../common/authz/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { type RpcServer, serveRpc } from "../../common/rpc_server/mod.ts";
import { SecretPem } from "../../common/secret/mod.ts";
import type { CallBroker } from "./call_broker.ts";
import { shellService, verifiedCallerKey } from "./shell_service.ts";

/** What the listener is made of. */
export interface ListenerOptions {
  readonly hostname: string;
  readonly port: number;
  readonly tokens: TokenVerifier;
  readonly broker: CallBroker;
  /** Whether a connection to this address of the node is served (NET-12). */
  readonly servesOn: (localAddress: string) => boolean;
  readonly log: Logger;
  /** Told of every caller whose token is good. */
  readonly onCaller?: (principal: Principal) => void;
  /** Told of every call without a good token; refused once this resolves (AUT-12). */
  readonly onRefused: (refusal: RefusedCaller) => Promise<void>;
}

/** A call without a good token. */
export interface RefusedCaller {
  readonly source: string;
  readonly method: string;
  readonly code: string;
  readonly reason: string;
}

/** The running listener. */
export interface ShellListener {
  /** Opens the listener under the identity, or takes it over for new handshakes (SHS-8). */
  useIdentity(identity: agentport.NodeIdentity): Promise<{ readonly port: number }>;
  close(): Promise<void>;
}

/** Largest message a caller may send (SHS-5). */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const MAX_SESSIONS = 64;
const CLOSE_GRACE_MS = 1_000;

/** A listener that is not open yet. */
export function createShellListener(options: ListenerOptions): ShellListener {
  let server: RpcServer | undefined;
  return {
    useIdentity: async (identity) => {
      const tls = { certPem: identity.certPem, keyPem: new SecretPem(identity.keyPem) };
      if (server !== undefined) server.rotate(tls);
      else server = await open(options, tls);
      return { port: server.port };
    },
    close: async () => await server?.close({ graceMs: CLOSE_GRACE_MS }),
  };
}

function open(
  { hostname, port, servesOn, tokens, broker, log, onCaller, onRefused }: ListenerOptions,
  tls: { readonly certPem: string; readonly keyPem: SecretPem },
): Promise<RpcServer> {
  return serveRpc({
    name: "shell",
    listen: { hostname, port },
    servesOn,
    tls,
    maxSessions: MAX_SESSIONS,
    readMaxBytes: MAX_MESSAGE_BYTES,
    admit: async ({ header, peer, contextValues, method }) => {
      let principal: Principal;
      try {
        ({ principal } = await tokens.verifyHeader(header.get("authorization")));
      } catch (error) {
        const isKnown = error instanceof PactError;
        await onRefused({
          source: peer.remoteAddress,
          method,
          code: isKnown ? error.code : "INTERNAL",
          reason: isKnown ? error.message : "the token could not be checked",
        });
        throw error;
      }
      onCaller?.(principal);
      contextValues.set(verifiedCallerKey, { principal, remoteAddress: peer.remoteAddress });
    },
    onInternalError: (error, call, incidentId) =>
      log.error("internal error", {
        incident: incidentId,
        method: call.method,
        error: String(error),
      }),
    routes: (router) => router.service(shell.ShellService, shellService(broker)),
  });
}
