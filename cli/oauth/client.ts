/**
 * A client of one identity provider, by the OpenID library. It owns a connection pool, and ends with
 * `close`.
 */

import type * as OpenId from "openid-client";

/** As whom, and how, the provider is asked. */
export interface ClientSettings {
  readonly clientId: string;
  /** Of a confidential client; a public one proves itself by PKCE. */
  readonly clientSecret?: string | undefined;
  /** Certificates to trust beside the runtime's own, PEM. */
  readonly caPem?: string | undefined;
  /** Allows plain http beyond this machine. */
  readonly allowInsecure: boolean;
  readonly timeoutSeconds: number;
}

/** What a provider grants. */
export interface Grant {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly expiresInSeconds: number | undefined;
  readonly scopes: readonly string[] | undefined;
}

/** The library, and its idea of the provider and this client. */
export interface ProviderClient extends Disposable {
  readonly library: typeof OpenId;
  readonly configuration: OpenId.Configuration;
}

/** A client of the provider that `metadata` describe. */
export async function openProviderClient(
  metadata: OpenId.ServerMetadata,
  { clientId, clientSecret, caPem, allowInsecure, timeoutSeconds }: ClientSettings,
): Promise<ProviderClient> {
  const library = await import("openid-client");
  const authentication = clientSecret === undefined
    ? library.None()
    : takesBasic(metadata)
    ? library.ClientSecretBasic(clientSecret)
    : library.ClientSecretPost(clientSecret);
  const configuration = new library.Configuration(metadata, clientId, {}, authentication);
  configuration.timeout = timeoutSeconds;
  // Every address was checked when the metadata were read: what is plain stays on this machine.
  if (allowInsecure || isPlain(metadata)) library.allowInsecureRequests(configuration);
  const http = caPem === undefined ? undefined : Deno.createHttpClient({ caCerts: [caPem] });
  if (http !== undefined) {
    configuration[library.customFetch] = (url, { body, ...options }) =>
      fetch(url, {
        ...options,
        body: body instanceof Uint8Array ? new Uint8Array(body) : body ?? null,
        client: http,
      });
  }
  return { library, configuration, [Symbol.dispose]: () => http?.close() };
}

/** What a token endpoint's answer grants. */
export function grantOf(answer: OpenId.TokenEndpointResponse): Grant {
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    expiresInSeconds: answer.expires_in,
    scopes: answer.scope?.split(" ").filter(Boolean),
  };
}

/** The method that needs no word of the provider (RFC 8414 section 2). */
function takesBasic(
  { token_endpoint_auth_methods_supported: methods }: OpenId.ServerMetadata,
): boolean {
  return !Array.isArray(methods) || methods.includes("client_secret_basic");
}

function isPlain({ token_endpoint }: OpenId.ServerMetadata): boolean {
  return token_endpoint?.toLowerCase().startsWith("http:") === true;
}
