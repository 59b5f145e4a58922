import * as z from "zod";
import { type DocumentFetch, FetchError } from "../fetch/mod.ts";

/** What a provider says of itself, as far as its keys go (OpenID Connect Discovery section 3). */
const ProviderSchema = z.object({ issuer: z.string(), jwks_uri: z.string() });

/** Where the keys of tokens come from. */
export interface KeyLocation {
  /** Issuer of the tokens; its metadata say where its keys are. */
  readonly issuer: string | undefined;
  /** Address of the keys, which comes before what the issuer says. */
  readonly jwksUrl: string | undefined;
}

/**
 * The address of the keys: as configured, else as the issuer's metadata say, else where keys are
 * usually found at an issuer without metadata (AUT-6).
 *
 * @throws {FetchError} when neither address nor issuer is known, the metadata cannot be had, or they
 *   are another issuer's.
 */
export async function locateKeys(
  { issuer, jwksUrl }: KeyLocation,
  fetch: Pick<DocumentFetch, "json">,
): Promise<string> {
  if (jwksUrl !== undefined) return jwksUrl;
  if (issuer === undefined) {
    throw new FetchError("neither an issuer nor an address of keys is known");
  }
  const metadataUrl = metadataUrlOf(issuer);
  let document: unknown;
  try {
    document = await fetch.json(metadataUrl);
  } catch (error) {
    if (!(error instanceof FetchError) || !error.isAbsent) throw error;
    return `${withoutSlash(issuer)}/.well-known/jwks.json`;
  }
  const metadata = ProviderSchema.safeParse(document);
  if (!metadata.success) throw new FetchError(`${metadataUrl}: names no issuer and jwks_uri`);
  if (metadata.data.issuer !== issuer) {
    throw new FetchError(
      `${metadataUrl}: is of issuer '${metadata.data.issuer}', not of '${issuer}'`,
    );
  }
  return metadata.data.jwks_uri;
}

/** Where an issuer's metadata are (OpenID Connect Discovery section 4). */
export function metadataUrlOf(issuer: string): string {
  return `${withoutSlash(issuer)}/.well-known/openid-configuration`;
}

function withoutSlash(issuer: string): string {
  return issuer.replace(/\/$/, "");
}
