import { redactSecrets } from "../../contracts/mod.ts";

/**
 * Replaces what looks like a secret by `***` (AUD-6, AUT-13), by the one rule that audit events
 * follow, too.
 *
 * @example
 * ```ts
 * import { redact } from "./redact.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(redact("mount -o password=hunter2 x"), "mount -o password=*** x");
 * ```
 */
export const redact: (text: string) => string = redactSecrets;

const SECRET_NAME = /(?:password|passphrase|secret|token|private_?key|api_?key)$/i;

/** Whether a field of this name holds a secret, whatever it looks like. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}
