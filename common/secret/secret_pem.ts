/**
 * A private key in PEM form that does not end up in a log: printing, inspecting, concatenating and
 * JSON all show `[REDACTED]`. `reveal()` is the only way to the text, which makes its uses easy to
 * find.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { SecretPem } from "./secret_pem.ts";
 *
 * const key = new SecretPem("-----BEGIN PRIVATE KEY-----\n...");
 * assert.equal(`${key}`, "[REDACTED]");
 * assert.equal(JSON.stringify({ key }), '{"key":"[REDACTED]"}');
 * assert.match(key.reveal(), /BEGIN PRIVATE KEY/);
 * ```
 */
export class SecretPem {
  readonly #pem: string;

  constructor(pem: string) {
    this.#pem = pem;
  }

  /** The PEM text itself: for the TLS layer and for files of mode 0600. */
  reveal(): string {
    return this.#pem;
  }

  toString(): string {
    return redacted;
  }

  toJSON(): string {
    return redacted;
  }

  [Symbol.for("Deno.customInspect")](): string {
    return redacted;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return redacted;
  }
}

const redacted = "[REDACTED]";
