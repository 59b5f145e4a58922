const ASSIGNMENT = /\b([A-Za-z_-]*(?:password|secret|token))=\S+/gi;
const BEARER = /\b(Bearer)\s+[A-Za-z0-9._~+/=-]+/gi;
const COMPACT_JWT = /\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g;

/**
 * Replaces what looks like a credential by `***` (AUD-6, AUT-13): assignments to names that end in
 * password, secret or token, bearer credentials and compact JWTs.
 *
 * @example
 * ```ts
 * import { redact } from "./redact.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(redact("mount -o password=hunter2 x"), "mount -o password=*** x");
 * ```
 */
export function redact(text: string): string {
  return text.replace(ASSIGNMENT, "$1=***").replace(BEARER, "$1 ***").replace(COMPACT_JWT, "***");
}
