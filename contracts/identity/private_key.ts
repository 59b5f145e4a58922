/**
 * A private key that no formatter or serialiser shows (section 8.1): texts, JSON, the console and
 * structured clones see `[REDACTED]` or nothing.
 */
export class PrivateKey {
  readonly #pem: Uint8Array;

  /** Takes ownership of `pem`; do not keep another reference to it. */
  constructor(pem: Uint8Array) {
    this.#pem = pem;
  }

  /** The PEM bytes themselves, all zero after {@linkcode wipe}. */
  reveal(): Uint8Array {
    return this.#pem;
  }

  /** Overwrites the key. */
  wipe(): void {
    this.#pem.fill(0);
  }

  toString(): string {
    return "[REDACTED]";
  }

  toJSON(): string {
    return "[REDACTED]";
  }

  [Symbol.for("Deno.customInspect")](): string {
    return "[REDACTED]";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[REDACTED]";
  }
}
