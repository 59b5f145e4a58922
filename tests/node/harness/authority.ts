import { join } from "node:path";
import { freePort } from "../../support/mod.ts";
import { openSite } from "../../support/site/mod.ts";
import { IMAGE_CACHE } from "../image/mod.ts";

/**
 * What a node in a snapshot knows of its journal. It stays the same from test to test and from run to
 * run, so that a snapshot does.
 */
export interface Authority {
  readonly caCert: string;
  readonly caKey: string;
  readonly secretFile: string;
  /** The host's port on loopback where the journal of every test listens. */
  readonly journalPort: number;
}

const PLACE = join(IMAGE_CACHE, "authority");

/** Makes the authority, once. */
export async function openAuthority(): Promise<Authority> {
  const files = {
    caCert: join(PLACE, "ca.crt"),
    caKey: join(PLACE, "ca.key"),
    secretFile: join(PLACE, "token_secret"),
  };
  const portFile = join(PLACE, "journal_port");
  const known = await Deno.readTextFile(portFile).catch(() => undefined);
  if (known !== undefined) return { ...files, journalPort: Number(known) };
  await Deno.mkdir(PLACE, { recursive: true, mode: 0o700 });
  await using site = await openSite();
  const etc = `${site.journalRoot}/etc/pact`;
  await Deno.copyFile(`${etc}/ca.crt`, files.caCert);
  await Deno.copyFile(`${etc}/ca.key`, files.caKey);
  await Deno.copyFile(`${etc}/token_secret`, files.secretFile);
  // Written last: with it the authority is whole.
  const journalPort = await freePort();
  await Deno.writeTextFile(portFile, `${journalPort}\n`);
  return { ...files, journalPort };
}
