import type { TlsOptions } from "node:tls";
import type { SecretPem } from "../secret/mod.ts";
import { alpnProtocols, type OtherProtocols } from "./protocol_switch.ts";
import { PeerTrust, requireMatchingKey, rootsPem, TlsError } from "../certificate/mod.ts";

/** Certificates of a listener. */
export interface ServerTls {
  /** The certificate, then the chain to present with it. */
  certPem: string;
  keyPem: SecretPem;
  /** CAs whose client certificates are accepted; needed where client certificates are asked for. */
  clientCaPem?: string;
  /** Bundles of the SPIFFE trust domains whose SVIDs are accepted too, as PEM by their names. */
  trustDomains?: ReadonlyMap<string, string>;
}

/**
 * Whether callers present certificates. `optional` serves the listener that also takes callers with
 * a token or none: an untrusted certificate does not end the handshake there, the handler sees
 * `authorized: false`. `required` ends it.
 */
export type ClientAuth = "none" | "optional" | "required";

/** Certificates that have been read and found to fit. */
export interface PreparedTls {
  trust: PeerTrust | undefined;
  context: { cert: string; key: string; ca?: string[] };
}

/**
 * Reads the certificates before they are taken into use, so that a rotation with bad ones leaves
 * the old ones in force.
 *
 * @throws TlsError saying which part does not fit.
 */
export function prepareServerTls(tls: ServerTls, clientAuth: ClientAuth): PreparedTls {
  const roots = { caPem: tls.clientCaPem, trustDomains: tls.trustDomains };
  const clientCas = rootsPem(roots);
  if (clientAuth !== "none" && clientCas === "") {
    throw new TlsError("INVALID_PEM", "client certificates are asked for but no CA is given");
  }
  const context = {
    cert: tls.certPem,
    key: tls.keyPem.reveal(),
    ...(clientCas === "" ? {} : { ca: [clientCas] }),
  };
  requireMatchingKey(tls.certPem, tls.keyPem);
  return { trust: clientCas === "" ? undefined : new PeerTrust(roots), context };
}

/** The options of node:tls for a listener (CRT-8; TLS 1.3 only by design). */
export function secureServerOptions(
  { context }: PreparedTls,
  clientAuth: ClientAuth,
  others: OtherProtocols,
): TlsOptions {
  return {
    ...context,
    minVersion: "TLSv1.3",
    ALPNProtocols: alpnProtocols(others),
    requestCert: clientAuth !== "none",
    rejectUnauthorized: clientAuth === "required",
    handshakeTimeout: 10_000,
  };
}
