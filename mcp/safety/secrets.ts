import { redact } from "../../common/log/mod.ts";

const privateKey =
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/** Assignments as an environment dump or a configuration file writes them. */
const assignment =
  /\b([A-Za-z0-9_.-]*(?:passwd|password|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key)[A-Za-z0-9_.-]*)(\s*[=:]\s*)(?:"[^"\n]*"|'[^'\n]*'|[^\s"']+)/gi;

/**
 * Replaces what looks like a secret by `***` (SAF-8): private keys, bearer tokens, JWTs, and
 * assignments to names that speak of a password, secret, token or key.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { redactSecrets } from "./secrets.ts";
 *
 * assert.equal(redactSecrets("AWS_SECRET_ACCESS_KEY=abc HOME=/root"), "AWS_SECRET_ACCESS_KEY=*** HOME=/root");
 * ```
 */
export function redactSecrets(text: string): string {
  return redact(text.replace(privateKey, "***").replace(assignment, "$1$2***"));
}

/** A redactor that also hides this one secret, wherever it stands (MCP-14). */
export function redactorFor(secret: string | undefined): (text: string) => string {
  if (secret === undefined) return redactSecrets;
  return (text) => redactSecrets(text.replaceAll(secret, "***"));
}
