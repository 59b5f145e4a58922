import assert from "node:assert/strict";
import { waitFor } from "../wait_for.ts";
import type { Site } from "./site.ts";

/** What `pact` prints for a person; the command has to succeed. */
export async function answerOf(
  site: Site,
  person: string,
  args: readonly string[],
): Promise<string> {
  const { code, stdout, stderr } = await site.pact(person, args);
  assert.equal(code, 0, `pact ${args.join(" ")}: ${stderr}\n${site.logs()}`);
  return stdout;
}

/** Asks as a person until the answer is as wanted. */
export async function answerUntil(
  site: Site,
  person: string,
  args: readonly string[],
  { wanted, timeoutMs }: { readonly wanted: RegExp; readonly timeoutMs: number },
): Promise<string> {
  let last = "";
  try {
    return await waitFor(async () => {
      const { stdout, stderr } = await site.pact(person, args);
      last = stdout + stderr;
      return wanted.test(last) && last;
    }, { timeoutMs, what: `${wanted} of pact ${args.join(" ")}` });
  } catch (error) {
    throw new Error(`${String(error)}; last: ${last}\n${site.logs()}`);
  }
}
