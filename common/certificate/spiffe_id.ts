import { isCertifiableName, isMemberId } from "./identity.ts";

/** A name in a SPIFFE trust domain: `spiffe://TRUST_DOMAIN/PATH`. */
export interface SpiffeId {
  /** The whole text. */
  readonly uri: string;
  readonly trustDomain: string;
  /** What follows the trust domain: "" for its own name, else it begins with '/'. */
  readonly path: string;
}

/** Whom a SPIFFE ID names among pact's own parts (API-5, AUT-11). */
export type PactPart =
  | { readonly kind: "agent"; readonly nodeId: string }
  | { readonly kind: "journal"; readonly memberId: number };

/** Longest ID that anybody has to accept (SPIFFE-ID.md 2.3). */
const ID_MAX_CHARS = 2_048;
const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;
const PATH = /^(?:\/[A-Za-z0-9._-]+)*$/;

/** Whether the text can stand as a trust domain's name (SPIFFE-ID.md 2.1). */
export function isTrustDomain(name: string): boolean {
  return TRUST_DOMAIN.test(name);
}

/**
 * Reads a SPIFFE ID (SPIFFE-ID.md 2); undefined for what is none.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseSpiffeId } from "./spiffe_id.ts";
 *
 * assert.equal(parseSpiffeId("spiffe://site.example/pact/agent/node-1")?.path, "/pact/agent/node-1");
 * assert.equal(parseSpiffeId("spiffe://site.example/pact/../agent"), undefined);
 * ```
 */
export function parseSpiffeId(uri: string): SpiffeId | undefined {
  if (uri.length > ID_MAX_CHARS) return undefined;
  const [, trustDomain = "", path = ""] = /^spiffe:\/\/([^/]+)(\/.*)?$/.exec(uri) ?? [];
  if (!isTrustDomain(trustDomain) || !PATH.test(path)) return undefined;
  const hasDots = path.split("/").some((segment) => segment === "." || segment === "..");
  return hasDots ? undefined : { uri, trustDomain, path };
}

/** The part of pact that an ID names: `/pact/agent/NODE` or `/pact/journal/N`. */
export function pactPartOf({ path }: SpiffeId): PactPart | undefined {
  const [, role, name = ""] = /^\/pact\/(agent|journal)\/([^/]+)$/.exec(path) ?? [];
  if (role === "agent") {
    return isCertifiableName(name) ? { kind: "agent", nodeId: name } : undefined;
  }
  const memberId = Number(name);
  const isMember = role === "journal" && isMemberId(memberId) && `${memberId}` === name;
  return isMember ? { kind: "journal", memberId } : undefined;
}
