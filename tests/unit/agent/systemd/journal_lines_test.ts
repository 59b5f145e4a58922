import assert from "node:assert/strict";
import { journalLine, journalLines } from "../../../../agent/systemd/journal_lines.ts";
import { withShim } from "../../../support/mod.ts";

const AT = "1767225600123456";

Deno.test("LGX-4: a record of systemd's journal is a line with its time", () => {
  const line = (record: unknown) => journalLine(JSON.stringify(record));
  assert.equal(
    line({ MESSAGE: "two words", __REALTIME_TIMESTAMP: AT }),
    "2026-01-01T00:00:00.123Z journal two words",
  );
  assert.equal(
    line({ MESSAGE: [104, 105, 255], __REALTIME_TIMESTAMP: AT }),
    "2026-01-01T00:00:00.123Z journal hi\ufffd",
  );
  for (
    const nothing of [null, 7, [], {}, { MESSAGE: "x" }, { MESSAGE: 1, __REALTIME_TIMESTAMP: AT }]
  ) {
    assert.equal(line(nothing), null, JSON.stringify(nothing));
  }
  assert.equal(line({ MESSAGE: "x", __REALTIME_TIMESTAMP: "9".repeat(30) }), null);
  assert.equal(journalLine("{"), null);
});

Deno.test("a node without a journal of systemd has no lines, and leaves no process behind", async () => {
  await withShim(async (shim) => {
    const events = shim.startEvents();
    const lines = await Array.fromAsync(
      journalLines("pact-nothing.service", { tailLines: 5 }, { shim, events }),
    );
    assert.deepEqual(lines, []);
    assert.deepEqual(shim.processes.supervisedPids(), []);
    await events.close();
  });
});
