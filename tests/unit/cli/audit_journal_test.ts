import assert from "node:assert/strict";
import { runPact } from "../../../cli/mod.ts";
import { VirtualClock } from "../../support/clock/mod.ts";
import { openJournalSite } from "../../support/journal/mod.ts";
import { tempDir, waitFor } from "../../support/mod.ts";
import { makeBackup } from "../../../journal/backup/mod.ts";
import { memoryHost } from "./memory_host.ts";

Deno.test("a running journal, its backup and its exported log verify; each change is named", async () => {
  const clock = new VirtualClock(Date.now());
  await using site = await openJournalSite({ clock });
  await using dir = await tempDir();
  const env = {
    HOME: dir.path,
    PACT_ENDPOINT: `https://127.0.0.1:${site.journal.rpcPort}`,
    PACT_CA_FILE: `${site.dataDir}/ca.crt`,
    PACT_TOKEN: await site.token(),
  };
  const pact = async (...args: string[]) => {
    const host = memoryHost({ env });
    const code = await runPact(args, { ...host, clock }, new AbortController().signal);
    const [stdout, stderr] = [host.written.stdout, host.written.stderr]
      .map((bytes) => new TextDecoder().decode(bytes));
    return { code, stdout: stdout ?? "", stderr: stderr ?? "" };
  };
  const ann = await site.as();
  for (const value of ["1", "2", "3"]) {
    await ann.config.appendEntry({
      entry: {
        entryType: 1,
        scope: { scope: { case: "vclusterId", value: "ml" } },
        stateDelta: { kernel: [{ key: "vm.swappiness", declaredValue: value }] },
        ttl: { seconds: 0n },
      },
    });
  }
  clock.advance(60_000);
  await waitFor(async () => /Untouched/.test((await pact("audit", "verify")).stdout), {
    what: "a signature by the site's CA",
  });

  // The state is stored behind the time of this clock.
  clock.advance(1_000);
  const backup = dir.file("b.tar.gz");
  const out = await Deno.open(backup, { write: true, createNew: true });
  await makeBackup(site.dataDir, out.writable, new Date(clock.nowMs()));
  const ofBackup = await pact("audit", "verify", backup, "--ca", `${site.dataDir}/ca.crt`);
  assert.match(ofBackup.stdout, /Untouched: a trusted CA signed everything up to entry/);
  assert.equal(ofBackup.code, 0);

  const exported = await pact("log", "--output", "json", "-n", "1000");
  await Deno.writeTextFile(dir.file("log.json"), exported.stdout);
  assert.match((await pact("audit", "verify", dir.file("log.json"))).stdout, /Unbroken/);
  const forged = exported.stdout.replace('"value": "2"', '"value": "9"');
  assert.notEqual(forged, exported.stdout);
  await Deno.writeTextFile(dir.file("forged.json"), forged);
  const { code, stderr } = await pact("audit", "verify", dir.file("forged.json"));
  assert.equal(code, 99);
  assert.match(stderr, /Error: entry \d+ was changed/);
});
