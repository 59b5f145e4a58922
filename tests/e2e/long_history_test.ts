import assert from "node:assert/strict";
import { feedHistory } from "../support/journal/mod.ts";
import { openSite } from "../support/site/mod.ts";

const ENTRIES = 60_000;
/** A million entries take 2 GiB at most; of what 60,000 take, most is the program itself. */
const MAX_RESIDENT_BYTES = 600 * 1024 ** 2;

Deno.test("demand 4: a journal with a long history starts, keeps little in memory and finds its first entry", async () => {
  await using site = await openSite();
  await feedHistory(site.journalDataDirectory, ENTRIES);

  const { pid } = await site.startJournal();
  await site.addPerson({ name: "ann", role: "pact-platform-admin" });
  const log = await site.pact("ann", [
    "log",
    ...["--oldest-first", "-n", "1", "--scope", "vc:vc0"],
  ]);

  assert.equal(log.code, 0, log.stderr);
  assert.match(log.stdout, /entry 0\b/);
  const newest = await site.pact("ann", ["log", "-n", "1", "--scope", "node:n9999"]);
  assert.match(newest.stdout, new RegExp(`entry ${ENTRIES - 1}\\b`));
  assert.ok(residentBytes(pid) < MAX_RESIDENT_BYTES, `${residentBytes(pid)} bytes resident`);
});

/** Memory of a process that is resident (proc(5), `VmRSS`). */
function residentBytes(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? NaN) * 1024;
}
