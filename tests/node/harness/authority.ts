import { join } from "node:path";
import { lastingPort } from "../../support/mod.ts";
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

/** Makes the authority of a place for labs, once. */
export async function openAuthority(place: number): Promise<Authority> {
  const directory = join(IMAGE_CACHE, `authority-${place}`);
  const files = {
    caCert: join(directory, "ca.crt"),
    caKey: join(directory, "ca.key"),
    secretFile: join(directory, "token_secret"),
  };
  const portFile = join(directory, "journal_port");
  const known = await Deno.readTextFile(portFile).catch(() => undefined);
  if (known !== undefined) return { ...files, journalPort: Number(known) };
  await Deno.mkdir(directory, { recursive: true, mode: 0o700 });
  await using site = await openSite();
  const etc = `${site.journalRoot}/etc/pact`;
  await Deno.copyFile(`${etc}/ca.crt`, files.caCert);
  await Deno.copyFile(`${etc}/ca.key`, files.caKey);
  await Deno.copyFile(`${etc}/token_secret`, files.secretFile);
  // Written last: with it the authority is whole.
  const journalPort = lastingPort();
  await Deno.writeTextFile(portFile, `${journalPort}\n`);
  return { ...files, journalPort };
}
