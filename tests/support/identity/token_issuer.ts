/**
 * An issuer of tokens with a key of its own, as an identity provider publishes it: discovery document
 * and key set over HTTP on the loopback. It owns the listener and ends with its scope.
 */
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";

/** What a token says; what is left out is as a good token has it. */
export interface IssuedClaims {
  readonly sub?: string;
  /** Absent: no pact role at all. */
  readonly role?: string | undefined;
  readonly principalType?: string;
  readonly audience?: string;
  readonly issuer?: string;
  /** Negative: it has ended that long ago. */
  readonly lifetimeSeconds?: number;
}

/** A running issuer. */
export interface TokenIssuer extends AsyncDisposable {
  readonly url: string;
  readonly jwksUrl: string;
  /** As anybody may know it. */
  readonly publicKeyPem: string;
  /** A token signed with RS256. */
  token(claims?: IssuedClaims): Promise<string>;
  /** A token that says it is not signed, and is not. */
  unsignedToken(claims?: IssuedClaims): string;
  /** A token signed by HMAC, with the text of the public key as its secret. */
  confusedToken(claims?: IssuedClaims): Promise<string>;
}

const AUDIENCE = "pact";
const KEY_ID = "key-1";
const LIFETIME_SECONDS = 3600;

/** Opens an issuer with a fresh key. */
export async function openTokenIssuer(): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { extractable: true });
  const publicKeyPem = await exportSPKI(publicKey);
  const keys = [{ ...await exportJWK(publicKey), kid: KEY_ID, alg: "RS256", use: "sig" }];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { origin, pathname } = new URL(request.url);
    if (pathname === "/jwks.json") return Response.json({ keys });
    if (pathname !== "/.well-known/openid-configuration") return new Response("", { status: 404 });
    return Response.json({ issuer: origin, jwks_uri: `${origin}/jwks.json` });
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const signed = (claims: IssuedClaims, header: { readonly alg: string; readonly kid?: string }) =>
    new SignJWT(payloadOf(url, claims)).setProtectedHeader(header);
  return {
    url,
    jwksUrl: `${url}/jwks.json`,
    publicKeyPem,
    token: (claims = {}) => signed(claims, { alg: "RS256", kid: KEY_ID }).sign(privateKey),
    unsignedToken: (claims = {}) => `${part({ alg: "none" })}.${part(payloadOf(url, claims))}.`,
    confusedToken: (claims = {}) =>
      signed(claims, { alg: "HS256", kid: KEY_ID }).sign(new TextEncoder().encode(publicKeyPem)),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

function payloadOf(url: string, claims: IssuedClaims): Record<string, string | number> {
  const { lifetimeSeconds = LIFETIME_SECONDS, role, principalType } = claims;
  const nowSeconds = Math.floor(Date.now() / 1000);
  return {
    sub: claims.sub ?? "ann",
    aud: claims.audience ?? AUDIENCE,
    iss: claims.issuer ?? url,
    iat: nowSeconds - Math.max(0, -lifetimeSeconds) - 1,
    exp: nowSeconds + lifetimeSeconds,
    ...(role === undefined ? {} : { pact_role: role }),
    ...(principalType === undefined ? {} : { pact_principal_type: principalType }),
  };
}

function part(value: object): string {
  return new TextEncoder().encode(JSON.stringify(value)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });
}
