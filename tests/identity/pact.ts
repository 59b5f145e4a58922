import { runPact } from "../../cli/mod.ts";
import { systemClock } from "../../common/clock/mod.ts";
import type { JournalSite, TokenClaims } from "../support/journal/mod.ts";
import { memoryHost } from "../unit/cli/memory_host.ts";

/** Runs `pact` as somebody, against the site. */
export async function pact(site: JournalSite, claims: TokenClaims, ...args: string[]) {
  const host = memoryHost({
    env: {
      HOME: site.path,
      PACT_ENDPOINT: `https://127.0.0.1:${site.journal.rpcPort}`,
      PACT_CA_FILE: `${site.dataDir}/ca.crt`,
      PACT_TOKEN: await site.token(claims),
    },
  });
  const here = { ...host, clock: systemClock, randomId: () => crypto.randomUUID() };
  const code = await runPact(args, here, new AbortController().signal);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(host.written.stdout), stderr: text(host.written.stderr) };
}
