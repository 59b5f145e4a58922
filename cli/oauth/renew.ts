import { ASYMMETRIC_ALGORITHMS } from "../../common/auth/mod.ts";
import { isSafeUrl } from "../../common/fetch/mod.ts";
import { codedFailure, EXIT, Failure } from "../failure/mod.ts";
import {
  type CachedLogin,
  type CacheFile,
  endOf,
  hasEnded,
  isLasting,
  withLogin,
} from "../tokens/mod.ts";
import { type ClientSettings, grantOf, openProviderClient } from "./client.ts";
import { expiryOf } from "./login_of.ts";
import { isUnreachable, oauthFailure } from "./oauth_failure.ts";

/** What a renewal works with. */
export interface Renewal {
  readonly cache: CacheFile;
  readonly server: string;
  readonly client: Omit<ClientSettings, "clientId" | "clientSecret"> & {
    readonly clientSecret: (clientId: string) => string | undefined;
  };
  readonly nowMs: () => number;
}

/**
 * Renews a login, once for all processes that want it at the same time: whoever comes second finds
 * the new token in the cache (CLI-35). `old` is the access token that will not do.
 *
 * @throws {Failure} exit 2 when the provider refuses or there is nothing to renew it with; exit 5 when
 *   the provider is out of reach and the token has ended.
 */
export async function renew(
  { cache, server, client, nowMs }: Renewal,
  old: string,
  isRefused: boolean,
): Promise<CachedLogin> {
  return await cache.change(async (locked) => {
    const document = await locked.read();
    const login = document.servers[server];
    if (login === undefined) throw notAuthenticated(`logged out of ${server} meanwhile`);
    if (login.access_token !== old && isLasting(endOf(login), nowMs())) return login;
    const isValid = !isRefused && !hasEnded(endOf(login), nowMs());
    if (login.refresh_token === null) {
      if (isValid) return login;
      throw notAuthenticated("the login has ended and cannot be renewed");
    }
    // The old refresh token may be void once the new one is out, so it must find its place.
    await locked.prepare();
    try {
      const renewed = await grantAnew(login, login.refresh_token, client, nowMs());
      await locked.write(withLogin(document, server, renewed));
      return renewed;
    } catch (error) {
      if (error instanceof Failure) throw error;
      if (!isUnreachable(error)) throw notAuthenticated(oauthFailure(error, "renewal").message);
      if (isValid) return login;
      throw new Failure(
        "UNAVAILABLE",
        "the token has expired and the identity provider does not answer",
        EXIT.unreachable,
        [login.token_endpoint],
        error,
      );
    }
  });
}

async function grantAnew(
  login: CachedLogin,
  refreshToken: string,
  client: Renewal["client"],
  nowMs: number,
): Promise<CachedLogin> {
  const { idp_issuer: issuer, token_endpoint, client_id: clientId } = login;
  if (!isSafeUrl(new URL(token_endpoint), client.allowInsecure)) {
    throw notAuthenticated(`${token_endpoint} is not https`);
  }
  const metadata = {
    issuer,
    token_endpoint,
    // A new ID token may come along; nothing here rests on it, so any usual algorithm will do.
    id_token_signing_alg_values_supported: [...ASYMMETRIC_ALGORITHMS, "PS384", "PS512", "ES512"],
  };
  using provider = await openProviderClient(metadata, {
    ...client,
    clientId,
    clientSecret: client.clientSecret(clientId),
  });
  const { library, configuration } = provider;
  const grant = grantOf(await library.refreshTokenGrant(configuration, refreshToken));
  return {
    ...login,
    access_token: grant.accessToken,
    refresh_token: grant.refreshToken ?? refreshToken,
    expires_at: expiryOf(grant, nowMs),
    // A provider may grant less than before (RFC 6749 section 5.1); it then says so.
    scopes: [...grant.scopes ?? login.scopes],
  };
}

function notAuthenticated(reason: string): Failure {
  return codedFailure("UNAUTHENTICATED", "not authenticated. Run `pact login` first.", reason);
}
