import { createLocalJWKSet, type JWTHeaderParameters } from "jose";
import * as z from "zod";
import type { VerificationKey } from "./keys.ts";

/** Most keys a provider may publish (AUT-7). */
const MAX_KEYS = 100;

/** Base64url digits of a modulus of 2048 bits, below which an RSA key is not used. */
const MIN_RSA_CHARS = 342;

/**
 * The public half of a key as providers publish it (RFC 7517). Whatever else stands there, private
 * parts included, is left behind.
 */
const KeySchema = z.object({
  kty: z.string(),
  kid: z.string().max(1024).optional(),
  alg: z.string().optional(),
  use: z.string().optional(),
  key_ops: z.array(z.string()).optional(),
  crv: z.string().optional(),
  x: z.string().optional(),
  y: z.string().optional(),
  n: z.string().optional(),
  e: z.string().optional(),
});

type Key = z.infer<typeof KeySchema>;

const DocumentSchema = z.object({ keys: z.array(z.unknown()).max(MAX_KEYS) });

/** The keys of one document. */
export interface PublishedKeys {
  readonly count: number;
  /** The one key that fits the header's `kid` and `alg` (AUT-4); undefined when there is none. */
  find(header: JWTHeaderParameters): Promise<VerificationKey | undefined>;
}

/**
 * Reads a key set. Keys of kinds that are not used here are passed over, so that a provider may
 * publish them; a document that is no key set is an error.
 *
 * @throws {TypeError} saying what is wrong with the document.
 */
export function readKeyDocument(document: unknown): PublishedKeys {
  const parsed = DocumentSchema.safeParse(document);
  if (!parsed.success) throw new TypeError(`not a key set of at most ${MAX_KEYS} keys`);
  const keys = parsed.data.keys.flatMap((key) => {
    const read = KeySchema.safeParse(key);
    return read.success && isUsable(read.data) ? [read.data] : [];
  });
  if (keys.length === 0) throw new TypeError("a key set without a usable key");
  const find = createLocalJWKSet({ keys: keys.map(withoutGaps) });
  return {
    count: keys.length,
    find: async (header) => {
      try {
        return await find(header);
      } catch {
        // None fits, several do, or the one that does cannot be imported: no key in each case.
        return undefined;
      }
    },
  };
}

function isUsable({ kty, n }: Key): boolean {
  if (kty === "RSA") return (n?.length ?? 0) >= MIN_RSA_CHARS;
  return kty === "EC" || kty === "OKP";
}

function withoutGaps(key: Key) {
  const { kty, ...rest } = key;
  return {
    kty,
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
  };
}
