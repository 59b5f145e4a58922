import assert from "node:assert/strict";
import { openReapedRecord } from "../../../../agent/init/mod.ts";
import { tempDir, withShim } from "../../../support/mod.ts";

const line = (text: string) => text.padEnd(63) + "\n";

/** What the record answers for a process of which PID 1 kept these lines. */
async function endOf(text: string, pid: number, startTicks: bigint) {
  await using dir = await tempDir();
  await Deno.writeTextFile(dir.file("reaped"), text);
  let end;
  await withShim(({ files }) => {
    end = openReapedRecord(files, dir.file("reaped")).endOf({ pid, startTicks });
  });
  return end;
}

Deno.test("INI-10: PID 1's record tells how a service ended that outlived its agent", async () => {
  const text = line("40 9000 exit 3") + line("41 9100 signal 9") + line("42 9200 core 11");
  assert.deepEqual(await endOf(text, 40, 100n), { kind: "code", code: 3 });
  assert.deepEqual(await endOf(text, 41, 100n), { kind: "signal", signal: 9, coreDumped: false });
  assert.deepEqual(await endOf(text, 42, 100n), { kind: "signal", signal: 11, coreDumped: true });
  assert.equal(await endOf(text, 43, 100n), undefined);
});

Deno.test("INI-32: an end from before the service began, or of a later process of its pid, is not its own", async () => {
  const ring = line("40 9500 exit 2") + line("40 9000 exit 1") + line("40 3000 exit 0");
  assert.deepEqual(await endOf(ring, 40, 400n), { kind: "code", code: 1 });
  assert.deepEqual(await endOf(ring, 40, 920n), { kind: "code", code: 2 });
  assert.equal(await endOf(ring, 40, 951n), undefined);
});

Deno.test("INI-32: a torn or foreign line, and a missing record, are no answer", async () => {
  for (const text of ["", "40 9000", "40 9000 exit x\n", "-1 9000 exit 3\n", "\0\0\0\n"]) {
    assert.equal(await endOf(text, 40, 1n), undefined);
  }
  await withShim(({ files }) => {
    const record = openReapedRecord(files, "/nowhere/reaped");
    assert.equal(record.endOf({ pid: 40, startTicks: 1n }), undefined);
  });
});
