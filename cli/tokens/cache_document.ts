import { z } from "zod";

const LoginSchema = z.object({
  access_token: z.string().min(1).max(16_384),
  refresh_token: z.string().min(1).max(16_384).nullable(),
  /** When the access token ends; null where nobody said. */
  expires_at: z.iso.datetime().nullable(),
  scopes: z.array(z.string()),
  idp_issuer: z.url(),
  client_id: z.string().min(1),
  token_endpoint: z.url(),
  revocation_endpoint: z.url().nullable(),
});

const ServerSchema = z.url();

/** What `tokens.json` holds (CLI-33). */
export const CacheDocumentSchema = z.object({
  version: z.literal(1),
  /** The server that commands talk to when they name none. */
  default_server: ServerSchema.nullable(),
  servers: z.record(ServerSchema, LoginSchema),
});

/** One login: the tokens, and where they can be renewed and revoked. */
export type CachedLogin = z.infer<typeof LoginSchema>;

/** The whole cache. */
export type CacheDocument = z.infer<typeof CacheDocumentSchema>;

export const EMPTY_CACHE: CacheDocument = { version: 1, default_server: null, servers: {} };

/** The cache after a login; the first one makes its server the default (CLI-32). */
export function withLogin(cache: CacheDocument, server: string, login: CachedLogin): CacheDocument {
  const isFirst = Object.keys(cache.servers).length === 0;
  return {
    ...cache,
    default_server: isFirst ? server : cache.default_server,
    servers: { ...cache.servers, [server]: login },
  };
}

/** The cache after a logout; without its server there is no default (CLI-37). */
export function withoutLogin(cache: CacheDocument, server: string): CacheDocument {
  const { [server]: _, ...servers } = cache.servers;
  return {
    ...cache,
    default_server: cache.default_server === server ? null : cache.default_server,
    servers,
  };
}

/** The cache with another default server (CLI-38). */
export function withDefault(cache: CacheDocument, server: string): CacheDocument {
  return { ...cache, default_server: server };
}
