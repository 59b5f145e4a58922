import { object } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { flag } from "@optique/core/primitives";
import { isSafeUrl } from "../../common/fetch/mod.ts";
import { EXIT, Failure } from "../failure/mod.ts";
import { openProviderClient } from "../oauth/mod.ts";
import { clientSecretOf, openCache } from "../session/mod.ts";
import {
  type CachedLogin,
  type CacheDocument,
  EMPTY_CACHE,
  type LockedCache,
  withoutLogin,
} from "../tokens/mod.ts";
import { type CommandContext, tolerantAction } from "./action.ts";
import { say, withAction } from "./parsing.ts";

/** Longest wait for the provider; the login is gone from here in any case (CLI-37). */
const REVOKE_SECONDS = 5;

/** `pact logout` (CLI-37). */
export const logoutCommand = withAction(
  object({
    all: optional(flag("--all", { description: say("Log out of every server.") })),
  }),
  ({ all }) => tolerantAction((context) => logout(all === true, context)),
);

async function logout(all: boolean, context: CommandContext): Promise<number> {
  const { host, out } = context;
  const cache = openCache(host);
  const servers = all ? undefined : await context.session.journalEndpoints();
  const gone = cache !== undefined && await cache.exists()
    ? await cache.change((locked) => remove(locked, servers))
    : [];
  await Promise.all(gone.map(([, login]) => revoke(login, context)));
  await out.result([gone.length === 0 ? "Not logged in." : "Logged out."], {
    servers: gone.map(([server]) => server),
  });
  return EXIT.ok;
}

/** Takes logins out of the cache first, so that nothing that fails later keeps them (Auth4). */
async function remove(
  cache: LockedCache,
  servers: readonly string[] | undefined,
): Promise<[string, CachedLogin][]> {
  const document = await readUnless(cache, servers === undefined);
  const gone = Object.entries(document.servers).filter(([server]) =>
    servers?.includes(server) ?? true
  );
  if (gone.length === 0 && servers !== undefined) return [];
  const rest = gone.reduce((left, [server]) => withoutLogin(left, server), document);
  await cache.write(servers === undefined ? EMPTY_CACHE : rest);
  return gone;
}

/** To log out of everything, a cache need not be fit to be read. */
async function readUnless(cache: LockedCache, isAll: boolean): Promise<CacheDocument> {
  try {
    return await cache.read();
  } catch (error) {
    if (isAll && error instanceof Failure && error.exitCode === EXIT.refused) return EMPTY_CACHE;
    throw error;
  }
}

/** Asks the provider to forget the refresh token (RFC 7009); that is its own affair if it fails. */
async function revoke(login: CachedLogin, { session, settings, out }: CommandContext) {
  const { refresh_token, revocation_endpoint, token_endpoint, idp_issuer, client_id } = login;
  if (refresh_token === null || revocation_endpoint === null) return;
  if (!isSafeUrl(new URL(revocation_endpoint), settings.allowPlaintext)) return;
  try {
    using client = await openProviderClient(
      { issuer: idp_issuer, token_endpoint, revocation_endpoint },
      {
        clientId: client_id,
        clientSecret: clientSecretOf(settings, client_id),
        caPem: await session.trustedPem(),
        allowInsecure: settings.allowPlaintext,
        timeoutSeconds: REVOKE_SECONDS,
      },
    );
    const { library, configuration } = client;
    await library.tokenRevocation(configuration, refresh_token, {
      token_type_hint: "refresh_token",
    });
  } catch {
    await out.note(`Warning: ${idp_issuer} could not be told; the refresh token ends by itself`);
  }
}
