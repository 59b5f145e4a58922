import { SignJWT } from "jose";

/** Somebody who uses the command line. */
export interface Person {
  readonly name: string;
  /** As tokens say it: `pact-platform-admin`, `pact-ops-demo`, `pact-viewer-demo`. */
  readonly role: string;
}

const LIFETIME_SECONDS = 3600;

/** A fresh secret for signing tokens, as text for a file of mode 0600. */
export function newTokenSecret(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

/** A token that says who `person` is, valid for an hour (AUT-5: HS256, tests and development). */
export async function mintToken(secret: string, { name, role }: Person): Promise<string> {
  const nowSeconds = Math.floor(Date.now() / 1000);
  return await new SignJWT({ pact_role: role })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(name)
    .setAudience("pact")
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + LIFETIME_SECONDS)
    .sign(new TextEncoder().encode(secret));
}
