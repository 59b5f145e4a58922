import { z } from "zod";
import { type DocumentFetch, FetchError, isSafeUrl } from "../../common/fetch/mod.ts";
import type { Settings } from "../config/mod.ts";
import { EXIT, Failure } from "../failure/mod.ts";

/** The client id where nobody says another (CLI-23). */
const DEFAULT_CLIENT_ID = "pact";

const DEFAULT_SCOPES = ["openid", "profile"];

/** Port of a journal's metrics listener, which tells the same as its API. */
const METRICS_PORT = 9091;

const DiscoverySchema = z.object({
  idp_url: z.url(),
  client_id: z.string().min(1).max(256),
  scopes: z.array(z.string().regex(/^[\x21-\x7e]+$/)).max(50).default(DEFAULT_SCOPES),
});

/** Where a person logs in, and as which client. */
export interface IdentityProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

/** What a person said on the command line about the provider. */
export interface ManualProvider {
  readonly issuer: string | undefined;
  readonly clientId: string | undefined;
}

/**
 * The identity provider of `server`: as given by option, or as the settings say with
 * `override = true`; else as the server says; else as the settings say (CLI-23).
 *
 * @throws {Failure} exit 1 when nobody says, or the address is plain http beyond this machine.
 */
export async function findIdentityProvider(
  server: string,
  given: ManualProvider,
  settings: Settings,
  fetch: Pick<DocumentFetch, "json">,
  signal: AbortSignal,
): Promise<IdentityProvider> {
  const clientId = given.clientId ?? settings.clientId;
  const manual = (issuer: string): IdentityProvider => ({
    issuer,
    clientId: clientId ?? DEFAULT_CLIENT_ID,
    scopes: settings.scopes ?? DEFAULT_SCOPES,
  });
  const configured = settings.idpUrl === undefined ? undefined : manual(settings.idpUrl);
  if (given.issuer !== undefined) return checked(manual(given.issuer), settings);
  if (settings.authOverride && configured !== undefined) return checked(configured, settings);
  const failures: string[] = [];
  const told = settings.authOverride
    ? undefined
    : await askServer(server, settings.allowPlaintext, fetch, signal, failures);
  if (told !== undefined) {
    const { idp_url: issuer, client_id, scopes } = told;
    return checked({ issuer, clientId: given.clientId ?? client_id, scopes }, settings);
  }
  if (configured !== undefined) return checked(configured, settings);
  throw new Failure(
    "NOT_CONFIGURED",
    `cannot determine the identity provider for ${server}`,
    EXIT.general,
    [
      ...failures,
      "set idp_url in the [auth] table of the configuration file, or give --issuer URL",
    ],
  );
}

async function askServer(
  server: string,
  allowPlaintext: boolean,
  fetch: Pick<DocumentFetch, "json">,
  signal: AbortSignal,
  failures: string[],
): Promise<z.infer<typeof DiscoverySchema> | undefined> {
  for (const base of placesToAsk(server, allowPlaintext)) {
    const url = `${base}/auth/discovery`;
    try {
      const parsed = DiscoverySchema.safeParse(await fetch.json(url, signal));
      if (parsed.success) return parsed.data;
      failures.push(`${url}: names no idp_url and client_id`);
    } catch (error) {
      if (!(error instanceof FetchError)) throw error;
      if (signal.aborted) throw new Failure("INTERRUPTED", "interrupted", EXIT.interrupted, []);
      failures.push(error.message);
    }
  }
  return undefined;
}

/** The API's own address first: it is the one that is known, and its certificate is checked. */
export function placesToAsk(server: string, allowPlaintext: boolean): string[] {
  const { protocol, hostname } = new URL(server);
  const metrics = [`${protocol}//${hostname}:${METRICS_PORT}`, `http://${hostname}:${METRICS_PORT}`]
    .filter((url) => isSafeUrl(new URL(url), allowPlaintext));
  return [server, ...new Set(metrics)];
}

function checked(provider: IdentityProvider, { allowPlaintext }: Settings): IdentityProvider {
  if (URL.canParse(provider.issuer) && isSafeUrl(new URL(provider.issuer), allowPlaintext)) {
    return provider;
  }
  throw new Failure(
    "PLAINTEXT_REFUSED",
    "refusing to send credentials over plaintext",
    EXIT.general,
    [`the identity provider ${provider.issuer} is not https`],
  );
}
