import assert from "node:assert/strict";
import { PactError } from "../../../../common/errors/mod.ts";
import {
  type LogRecord,
  openSingleMemberLog,
  PROPOSAL_MAX_BYTES,
  type ReplicatedLog,
} from "../../../../journal/log/mod.ts";
import { needing, tempDir, within } from "../../../support/mod.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = ({ payload }: LogRecord) => new TextDecoder().decode(payload);

/** Opens a log for the scope of a test. */
async function openLog(directory: string): Promise<ReplicatedLog & AsyncDisposable> {
  const log = await openSingleMemberLog({ directory });
  return Object.assign(log, { [Symbol.asyncDispose]: () => log.close() });
}

/** The first `count` committed records from `from` on. */
async function take(log: ReplicatedLog, from: bigint, count: number): Promise<LogRecord[]> {
  const taken: LogRecord[] = [];
  for await (const batch of log.committed(from)) {
    if (batch.kind === "records") taken.push(...batch.records);
    if (taken.length >= count) break;
  }
  return taken.slice(0, count);
}

Deno.test("demand 6: a proposal gets the next index and is there after the log was closed and opened", async () => {
  await using dir = await tempDir();
  {
    await using log = await openLog(dir.path);
    assert.deepEqual(await log.propose(bytes("one")), { index: 1n, term: 1n });
    assert.deepEqual(await log.propose(bytes("two")), { index: 2n, term: 1n });
  }
  await using log = await openLog(dir.path);
  assert.equal(log.status().commitIndex, 2n);
  assert.deepEqual((await take(log, 1n, 2)).map(text), ["one", "two"]);
});

Deno.test("J9: a thousand proposals at once get a thousand indexes, committed in their order", async () => {
  await using dir = await tempDir();
  await using log = await openLog(dir.path);
  const proposals = Array.from({ length: 1000 }, (_, i) => log.propose(bytes(String(i))));
  const positions = await Promise.all(proposals);
  assert.deepEqual(
    positions.map(({ index }) => index),
    Array.from({ length: 1000 }, (_, i) => BigInt(i + 1)),
  );
  const records = await take(log, 1n, 1000);
  assert.deepEqual(records.map(text), Array.from({ length: 1000 }, (_, i) => String(i)));
});

Deno.test("a follower that waits at the head gets what is committed later", async () => {
  await using dir = await tempDir();
  await using log = await openLog(dir.path);
  await log.propose(bytes("old"));
  const later = take(log, 2n, 1);
  await log.propose(bytes("new"));
  const [record] = await within(later, { what: "the record that was committed later" });
  assert.equal(record?.index, 2n);
});

Deno.test("a follower ends when its signal fires and when the log closes", async () => {
  await using dir = await tempDir();
  const log = await openSingleMemberLog({ directory: dir.path });
  const stop = new AbortController();
  const drain = async (signal?: AbortSignal) => {
    for await (const _ of log.committed(1n, signal === undefined ? {} : { signal })) continue;
  };
  const bySignal = drain(stop.signal);
  const byClose = drain();
  stop.abort();
  await within(bySignal, { what: "the stopped follower" });
  await log.close();
  await within(byClose, { what: "the follower of a closed log" });
});

Deno.test("records older than the memory's share are read back from the file", async () => {
  await using dir = await tempDir();
  await using log = await openLog(dir.path);
  await Promise.all(Array.from({ length: 6000 }, (_, i) => log.propose(bytes(String(i)))));
  const records = await take(log, 1n, 6000);
  assert.equal(records.length, 6000);
  assert.ok(records.every((record, i) => text(record) === String(i)));
});

Deno.test("compaction forgets the oldest records and keeps the rest, across a restart too", async () => {
  await using dir = await tempDir();
  {
    await using log = await openLog(dir.path);
    await Promise.all(["a", "b", "c"].map((each) => log.propose(bytes(each))));
    await log.compactTo(2n);
  }
  await using log = await openLog(dir.path);
  assert.equal(log.status().firstIndex, 3n);
  assert.deepEqual((await take(log, 3n, 1)).map(text), ["c"]);
  await assert.rejects(
    take(log, 1n, 1),
    (error) => error instanceof PactError && error.code === "SEQUENCE_COMPACTED",
  );
  assert.equal((await log.propose(bytes("d"))).index, 4n);
});

Deno.test("proposals beyond the queue's bound are refused at once, not stored up", async () => {
  await using dir = await tempDir();
  await using log = await openLog(dir.path);
  const big = new Uint8Array(PROPOSAL_MAX_BYTES);
  const outcomes = await Promise.allSettled(Array.from({ length: 7 }, () => log.propose(big)));
  const refused = outcomes.filter((outcome) => outcome.status === "rejected");
  assert.ok(refused.length >= 1 && refused.length < 7, `${refused.length} of 7 refused`);
  for (const { reason } of refused) {
    assert.ok(reason instanceof PactError && reason.code === "RESOURCE_EXHAUSTED");
  }
  await assert.rejects(
    log.propose(new Uint8Array(PROPOSAL_MAX_BYTES + 1)),
    (error) => error instanceof PactError && error.code === "INVALID_ARGUMENT",
  );
});

Deno.test("a proposal given up while it waits is never written", async () => {
  await using dir = await tempDir();
  await using log = await openLog(dir.path);
  const givenUp = new AbortController();
  const proposal = log.propose(bytes("no"), { signal: givenUp.signal });
  givenUp.abort(new Error("changed my mind"));
  await assert.rejects(proposal, /changed my mind/);
  assert.equal((await log.propose(bytes("yes"))).index, 1n);
});

Deno.test("closing waits for proposals under way, and refuses new ones", async () => {
  await using dir = await tempDir();
  const log = await openSingleMemberLog({ directory: dir.path });
  const last = log.propose(bytes("last"));
  const closed = log.close();
  await assert.rejects(log.propose(bytes("late")), /shutting down/);
  assert.equal((await last).index, 1n);
  await closed;
});

Deno.test({
  ...needing(
    Deno.uid() === 0,
    "root, to mount a small file system",
    "a full disk makes the log read-only: it says so, acknowledges nothing, loses nothing",
  ),
  async fn() {
    await using dir = await tempDir();
    await using _mounted = await smallFileSystem(dir.path);
    const acknowledged: bigint[] = [];
    {
      await using log = await openLog(dir.path);
      const fill = async () => {
        for (let i = 0; i < 100; i++) {
          acknowledged.push((await log.propose(new Uint8Array(64 * 1024))).index);
        }
      };
      await assert.rejects(
        fill(),
        (error) => error instanceof PactError && error.code === "UNAVAILABLE",
      );
      assert.match(log.status().failure ?? "", /full|I\/O/);
      await assert.rejects(log.propose(bytes("more")), /takes no writes/);
      assert.equal((await take(log, 1n, acknowledged.length)).length, acknowledged.length);
    }
    await using log = await openLog(dir.path);
    assert.equal(log.status().lastIndex, acknowledged.at(-1));
  },
});

/** Mounts 2 MiB of memory at `path` until the end of the scope. */
async function smallFileSystem(path: string): Promise<AsyncDisposable> {
  const run = async (program: string, ...args: string[]) => {
    const { success, stderr } = await new Deno.Command(program, { args }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
  await run("mount", "-t", "tmpfs", "-o", "size=2m", "pact-test", path);
  return { [Symbol.asyncDispose]: () => run("umount", path) };
}
