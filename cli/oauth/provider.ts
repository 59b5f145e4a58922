import { z } from "zod";
import { metadataUrlOf } from "../../common/auth/mod.ts";
import { type DocumentFetch, FetchError, isSafeUrl } from "../../common/fetch/mod.ts";
import { EXIT, Failure } from "../failure/mod.ts";
import type { Host } from "../host/mod.ts";

/** How long a copy is as good as the provider's own answer, in seconds (CLI-24). */
const TTL_SECONDS = 3600;

const MAX_COPY_BYTES = 1024 * 1024;

/** The provider's metadata, as far as a client needs them (OpenID Connect Discovery section 3). */
const MetadataSchema = z.object({
  issuer: z.url(),
  authorization_endpoint: z.url().exactOptional(),
  token_endpoint: z.url(),
  device_authorization_endpoint: z.url().exactOptional(),
  revocation_endpoint: z.url().exactOptional(),
  scopes_supported: z.array(z.string()).exactOptional(),
  code_challenge_methods_supported: z.array(z.string()).exactOptional(),
  token_endpoint_auth_methods_supported: z.array(z.string()).exactOptional(),
}).catchall(z.json());

const CopySchema = z.object({
  fetched_at: z.iso.datetime(),
  ttl_seconds: z.number(),
  document: MetadataSchema,
});

export type ProviderMetadata = z.infer<typeof MetadataSchema>;

/** The metadata of a provider, and where they came from. */
export interface Provider {
  readonly metadata: ProviderMetadata;
  readonly from: "provider" | "copy" | "stale copy";
}

/** Metadata of providers, with copies in the configuration directory (CLI-24). */
export class ProviderCache {
  constructor(
    private readonly directory: string,
    private readonly host: Host,
    private readonly fetch: Pick<DocumentFetch, "json">,
    private readonly allowInsecure: boolean,
  ) {}

  /**
   * The metadata of `issuer`: a copy of the last hour, the provider's answer, or an old copy when
   * there is no answer.
   *
   * @throws {Failure} exit 5 when there are none, exit 1 when they are not what the issuer's must be.
   */
  async find(issuer: string, signal: AbortSignal): Promise<Provider> {
    const path = await this.#pathOf(issuer);
    const copy = await readCopy(path);
    const usable = copy?.document.issuer === issuer ? copy : undefined;
    if (usable !== undefined && isFresh(usable, this.host.clock.nowMs())) {
      return { metadata: this.#checked(issuer, usable.document), from: "copy" };
    }
    try {
      const metadata = await this.#ask(issuer, signal);
      await this.#keep(path, metadata);
      return { metadata, from: "provider" };
    } catch (error) {
      if (!(error instanceof FetchError)) throw error;
      if (usable !== undefined) {
        return { metadata: this.#checked(issuer, usable.document), from: "stale copy" };
      }
      throw new Failure("UNAVAILABLE", "the identity provider does not answer", EXIT.unreachable, [
        error.message,
      ], error);
    }
  }

  /** Forgets the copy: the provider may have changed. */
  async forget(issuer: string): Promise<void> {
    await Deno.remove(await this.#pathOf(issuer)).catch(() => {});
  }

  async #ask(issuer: string, signal: AbortSignal): Promise<ProviderMetadata> {
    const parsed = MetadataSchema.safeParse(await this.fetch.json(metadataUrlOf(issuer), signal));
    if (!parsed.success) throw wrong(issuer, "they lack an issuer or a token endpoint");
    return this.#checked(issuer, parsed.data);
  }

  /** @throws {Failure} for metadata of another issuer, or with addresses that anybody can listen in on. */
  #checked(issuer: string, metadata: ProviderMetadata): ProviderMetadata {
    if (metadata.issuer !== issuer) throw wrong(issuer, `they are of '${metadata.issuer}'`);
    for (const [name, value] of Object.entries(metadata)) {
      if (!name.endsWith("_endpoint") || typeof value !== "string") continue;
      if (!isSafeUrl(new URL(value), this.allowInsecure)) {
        throw wrong(issuer, `${name} is not https`);
      }
    }
    return metadata;
  }

  /** A copy is a convenience: where it cannot be written, the next login asks again. */
  async #keep(path: string, document: ProviderMetadata): Promise<void> {
    const copy = {
      fetched_at: new Date(this.host.clock.nowMs()).toISOString(),
      ttl_seconds: TTL_SECONDS,
      document,
    };
    const temporary = `${path}.${this.host.randomId()}.tmp`;
    try {
      await Deno.mkdir(`${this.directory}/discovery`, { recursive: true, mode: 0o700 });
      await Deno.writeTextFile(temporary, `${JSON.stringify(copy)}\n`, {
        createNew: true,
        mode: 0o600,
      });
      await Deno.rename(temporary, path);
    } catch {
      await Deno.remove(temporary).catch(() => {});
    }
  }

  async #pathOf(issuer: string): Promise<string> {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(issuer));
    return `${this.directory}/discovery/${new Uint8Array(digest).toHex().slice(0, 16)}.json`;
  }
}

type Copy = z.infer<typeof CopySchema>;

async function readCopy(path: string): Promise<Copy | undefined> {
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_COPY_BYTES) return undefined;
    return CopySchema.safeParse(JSON.parse(await Deno.readTextFile(path))).data;
  } catch {
    return undefined;
  }
}

function isFresh({ fetched_at, ttl_seconds }: Copy, nowMs: number): boolean {
  const ageMs = nowMs - Date.parse(fetched_at);
  return ageMs >= 0 && ageMs < Math.min(ttl_seconds, TTL_SECONDS) * 1000;
}

function wrong(issuer: string, reason: string): Failure {
  return new Failure(
    "CONFIG",
    `the metadata of the identity provider ${issuer} cannot be used: ${reason}`,
    EXIT.general,
    [`they are at ${metadataUrlOf(issuer)}`],
  );
}
