import type { Host } from "../host/mod.ts";
import type { ProviderClient } from "../oauth/mod.ts";
import { REDIRECT_URI } from "./callback.ts";

/** An authorization request: where the person goes, and what must come back. */
export interface CodeRequest {
  readonly url: URL;
  readonly state: string;
  readonly nonce: string;
  /** Of PKCE (RFC 7636). */
  readonly verifier: string;
}

/** Makes a request that nobody else's answer fits (CLI-26). */
export async function codeRequest(
  { library, configuration }: ProviderClient,
  scopes: readonly string[],
  host: Host,
): Promise<CodeRequest> {
  const state = host.randomId();
  const nonce = host.randomId();
  // 64 characters of those that RFC 7636 allows, 256 bits.
  const verifier = `${host.randomId()}${host.randomId()}`;
  const url = library.buildAuthorizationUrl(configuration, {
    redirect_uri: REDIRECT_URI,
    scope: scopes.join(" "),
    state,
    nonce,
    code_challenge: await library.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    // What outlives the session is granted only where the person is asked (OpenID Connect 11).
    ...(scopes.includes("offline_access") && { prompt: "consent" }),
  });
  return { url, state, nonce, verifier };
}
