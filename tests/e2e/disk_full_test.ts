import assert from "node:assert/strict";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { config, journal } from "../../api/mod.ts";
import { needing, waitFor } from "../support/mod.ts";
import { openSite, type SiteJournal } from "../support/site/mod.ts";

/** Room of the data directory: enough for a start, little enough to fill soon. */
const DISK_BYTES = 64 * 1024 * 1024;
const MESSAGE = "x".repeat(4000);

/** A small file system on `directory`; it is gone at the end of the scope. */
async function smallDisk(directory: string): Promise<AsyncDisposable> {
  await run("mount", ["-t", "tmpfs", "-o", `size=${DISK_BYTES},mode=700`, "tmpfs", directory]);
  return { [Symbol.asyncDispose]: () => run("umount", ["--lazy", directory]) };
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}

const canMount = Deno.uid() === 0 && await isMountable();

async function isMountable(): Promise<boolean> {
  const directory = await Deno.makeTempDir();
  try {
    await using _disk = await smallDisk(directory);
    return true;
  } catch {
    return false;
  } finally {
    await Deno.remove(directory);
  }
}

async function health({ metricsAddress }: SiteJournal) {
  const answer = await fetch(`http://${metricsAddress}/health`);
  return { status: answer.status, body: await answer.text() };
}

Deno.test({
  ...needing(
    canMount,
    "root and leave to mount",
    "demand 4: with its disk full a journal refuses writes, says so, goes on reading, and has lost nothing after a restart",
  ),
  fn: async () => {
    await using site = await openSite();
    const data = site.journalDataDirectory;
    await using _disk = await smallDisk(data);
    const running = await site.startJournal();
    await site.addPerson({ name: "ann", role: "pact-platform-admin" });
    const transport = await site.connect("ann");
    using _connection = { [Symbol.dispose]: () => transport.close() };
    const client = createClient(journal.ConfigService, transport);
    const append = async () => {
      const { sequence } = await client.appendEntry({
        entry: {
          entryType: config.EntryType.COMMIT,
          scope: { scope: { case: "vclusterId", value: "ml" } },
          message: MESSAGE,
        },
      });
      return sequence;
    };
    let last = await append();
    assert.equal((await health(running)).status, 200);

    await fill(`${data}/ballast`);
    const refusal = await waitFor(async () => {
      try {
        last = await append();
        return undefined;
      } catch (error) {
        return ConnectError.from(error);
      }
    }, { what: "a refused write", timeoutMs: 30_000 });

    assert.equal(refusal.code, Code.Unavailable, refusal.message);
    const told = await waitFor(async () => {
      const now = await health(running);
      return now.status === 503 && now;
    }, { what: "/health to tell" });
    assert.match(told.body, /full|space/i);
    await assert.rejects(append());
    assert.equal((await client.getEntry({ sequence: last })).message, MESSAGE);

    await site.stop("journal", "SIGKILL");
    await Deno.remove(`${data}/ballast`);
    await site.startJournal();
    assert.equal((await client.getEntry({ sequence: last })).message, MESSAGE);
    assert.ok(await append() > last);
  },
});

/** Takes all room that is left. */
async function fill(path: string): Promise<void> {
  const chunk = new Uint8Array(64 * 1024);
  using file = await Deno.open(path, { create: true, write: true });
  // Ends when the disk is full, which is the point.
  while (true) {
    try {
      await file.write(chunk);
    } catch {
      return;
    }
  }
}
