import type { TokenVerifier } from "../../common/auth/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Admit, IncomingCall, Peer } from "../../common/rpc_server/mod.ts";
import { agentPrincipal, type Caller, callerKey } from "./caller.ts";
import { METHOD_CREDENTIALS } from "./method_rules.ts";

/** What decides whether a certificate is still good. */
export interface CertificateStanding {
  /** Whether the serial is on the revocation registry. */
  isRevoked(serialHex: string): boolean;
  /** Whether the node has a record that is not revoked. */
  isEnrolled(nodeId: string): boolean;
}

/** What authentication needs. */
export interface AuthenticateOptions {
  /** Absent when no token keys are configured: then tokens are refused. */
  readonly tokens: TokenVerifier | undefined;
  readonly certificates: CertificateStanding;
  readonly domainId: string;
  /** Hears of every call of an enrolled node (HB-1). */
  readonly onNodeCall: (nodeId: string) => void;
  /** Hears of every call without a valid credential; refused once this resolves (AUT-12). */
  readonly onRefused: (source: string) => Promise<void>;
}

/** Admits calls by the credential their method demands, before the body is read (API-3). */
export function authenticate(options: AuthenticateOptions): Admit {
  return async (call) => {
    const rule = METHOD_CREDENTIALS[`${call.service}/${call.method}`];
    if (rule === "none") return;
    const caller = await knownCaller(call, options);
    if (rule === undefined || rule === "peer") throw unauthenticated("method not open to clients");
    if (rule === "mtls" && caller.nodeId === undefined) {
      throw unauthenticated("client certificate required");
    }
    if (rule === "token" && !call.header.has("authorization")) {
      throw unauthenticated("missing authorization header");
    }
    if (caller.nodeId !== undefined) options.onNodeCall(caller.nodeId);
    call.contextValues.set(callerKey, caller);
  };
}

async function knownCaller(call: IncomingCall, options: AuthenticateOptions): Promise<Caller> {
  try {
    return await callerOf(call, options);
  } catch (error) {
    await options.onRefused(call.peer.remoteAddress);
    throw error;
  }
}

async function callerOf(call: IncomingCall, options: AuthenticateOptions): Promise<Caller> {
  const node = nodeOf(call.peer, options);
  const authorization = call.header.get("authorization");
  const { remoteAddress } = call.peer;
  if (authorization === null) {
    if (node === undefined) throw unauthenticated("missing authorization header");
    return { ...node, principal: agentPrincipal(node.certificateName, node.nodeId), remoteAddress };
  }
  if (options.tokens === undefined) throw unauthenticated("no token keys configured");
  const { principal, expiresAtMs } = await options.tokens.verifyHeader(authorization);
  return { ...node, principal, expiresAtMs, remoteAddress };
}

/** The node of the connection's certificate; undefined when it carries none. */
function nodeOf(
  peer: Peer,
  { certificates, domainId }: AuthenticateOptions,
): { nodeId: string; certificateName: string; certificateSerial: string } | undefined {
  const { certificate } = peer;
  if (certificate === undefined) return undefined;
  if (!peer.authorized) {
    throw unauthenticated(`certificate refused: ${peer.distrust ?? "unknown CA"}`);
  }
  if (certificate.kind !== "agent" || certificate.domainId !== domainId) {
    throw unauthenticated("certificate refused: it names no node of this domain");
  }
  const { nodeId, commonName, serialHex } = certificate;
  if (certificates.isRevoked(serialHex) || !certificates.isEnrolled(nodeId)) {
    throw new PactError("NODE_REVOKED", `NODE_REVOKED: ${nodeId}`);
  }
  return { nodeId, certificateName: commonName, certificateSerial: serialHex };
}

function unauthenticated(message: string): PactError {
  return new PactError("UNAUTHENTICATED", message);
}
