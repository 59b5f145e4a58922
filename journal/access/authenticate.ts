import type { TokenVerifier, VerifiedToken } from "../../common/auth/mod.ts";
import { agentCommonName } from "../../common/certificate/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Admit, IncomingCall, Peer } from "../../common/rpc_server/mod.ts";
import { agentPrincipal, type Caller, callerKey } from "./caller.ts";
import type { LockBook } from "./lock_book.ts";
import { type Credential, METHOD_CREDENTIALS } from "./method_rules.ts";

/** What decides whether a certificate is still good. */
export interface CertificateStanding {
  /** Whether the serial is on the revocation registry. */
  isRevoked(serialHex: string): boolean;
  /** Whether the node has a record that is not revoked. */
  isEnrolled(nodeId: string): boolean;
  /** Whether the node has enrolled under this SPIFFE ID (CRT-3). */
  isEnrolledAs(nodeId: string, spiffeId: string): boolean;
}

/** What authentication needs. */
export interface AuthenticateOptions {
  /** Absent when no token keys are configured: then tokens are refused. */
  readonly tokens: TokenVerifier | undefined;
  readonly certificates: CertificateStanding;
  readonly domainId: string;
  readonly locks: LockBook;
  /** Hears of every call of an enrolled node (HB-1). */
  readonly onNodeCall: (nodeId: string) => void;
  /** Hears of every call without a valid credential; refused once this resolves (AUT-12). */
  readonly onRefused: (refusal: RefusedCall) => Promise<void>;
}

/** A call without a valid credential. */
export interface RefusedCall {
  readonly source: string;
  /** `SERVICE/METHOD`. */
  readonly method: string;
  readonly error: unknown;
  /** Common name or SPIFFE ID of the certificate it came with, whether that one is good or not. */
  readonly certificateName: string | undefined;
}

/**
 * Admits calls by the credential their method demands, before the body is read (API-3): at once where
 * the credential is known, as that of most calls is.
 */
export function authenticate(options: AuthenticateOptions): Admit {
  const enter = (call: IncomingCall, rule: Credential | undefined, caller: Caller): void => {
    requireRule(rule, caller, call);
    options.locks.requireFree(caller);
    if (caller.nodeId !== undefined) options.onNodeCall(caller.nodeId);
    if (call.stream !== undefined) options.locks.follow(caller, call.stream);
    call.contextValues.set(callerKey, caller);
  };
  const refuse = async (call: IncomingCall, error: unknown): Promise<never> => {
    const { remoteAddress: source, certificate } = call.peer;
    const certificateName = certificate?.svid?.uri ?? certificate?.commonName;
    await options.onRefused({ source, method: methodOf(call), error, certificateName });
    throw error;
  };
  return (call) => {
    const rule = METHOD_CREDENTIALS[methodOf(call)];
    if (rule === "none") return;
    try {
      const caller = callerOf(call, options);
      if (!(caller instanceof Promise)) return enter(call, rule, caller);
      return caller.then((verified) => enter(call, rule, verified))
        .catch((error) => refuse(call, error));
    } catch (error) {
      return refuse(call, error);
    }
  };
}

function methodOf({ service, method }: IncomingCall): string {
  return `${service}/${method}`;
}

function requireRule(rule: Credential | undefined, caller: Caller, { header }: IncomingCall): void {
  if (rule === undefined || rule === "peer") throw unauthenticated("method not open to clients");
  if (rule === "mtls" && caller.nodeId === undefined) {
    throw unauthenticated("client certificate required");
  }
  if (rule === "token" && !header.has("authorization")) {
    throw unauthenticated("missing authorization header");
  }
}

function callerOf(call: IncomingCall, options: AuthenticateOptions): Caller | Promise<Caller> {
  const node = nodeOf(call.peer, options);
  const authorization = call.header.get("authorization");
  const { remoteAddress } = call.peer;
  if (authorization === null) {
    if (node === undefined) throw unauthenticated("missing authorization header");
    return { ...node, principal: agentPrincipal(node.certificateName, node.nodeId), remoteAddress };
  }
  if (options.tokens === undefined) throw unauthenticated("no token keys configured");
  const person = ({ principal, expiresAtMs }: VerifiedToken) => ({
    ...node,
    principal,
    expiresAtMs,
    remoteAddress,
  });
  const known = options.tokens.knownHeader?.(authorization);
  return known === undefined
    ? options.tokens.verifyHeader(authorization).then(person)
    : person(known);
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
  // A trust domain's nodes are this domain's once they have enrolled by their SPIFFE ID.
  const { svid } = certificate;
  if (certificate.kind !== "agent" || (svid === undefined && certificate.domainId !== domainId)) {
    throw unauthenticated("certificate refused: it names no node of this domain");
  }
  const { nodeId, serialHex } = certificate;
  if (certificates.isRevoked(serialHex) || !certificates.isEnrolled(nodeId)) {
    throw new PactError("NODE_REVOKED", `NODE_REVOKED: ${nodeId}`);
  }
  if (svid !== undefined && !certificates.isEnrolledAs(nodeId, svid.uri)) {
    throw unauthenticated(`certificate refused: ${nodeId} has not enrolled as ${svid.uri}`);
  }
  const certificateName = svid === undefined
    ? certificate.commonName
    : agentCommonName(certificate);
  return { nodeId, certificateName, certificateSerial: serialHex };
}

function unauthenticated(message: string): PactError {
  return new PactError("UNAUTHENTICATED", message);
}
