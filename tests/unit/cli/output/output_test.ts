import assert from "node:assert/strict";
import { VirtualClock } from "../../../support/clock/mod.ts";
import {
  agoText,
  bytesText,
  durationText,
  paint,
  parseDuration,
  printable,
  startProgress,
  tableLines,
} from "../../../../cli/output/mod.ts";
import { memoryHost } from "../memory_host.ts";

Deno.test("CLI-92: uptimes read 45s, 5m3s, 2h5m, 3d4h", () => {
  assert.deepEqual([0, 45, 303, 7500, 273_600, 86_400].map(durationText), [
    "0s",
    "45s",
    "5m3s",
    "2h5m",
    "3d4h",
    "1d",
  ]);
});

Deno.test("CLI-60: a duration is seconds, or a number with s, m, h or d", () => {
  assert.deepEqual(["900", "15m", "2h", "10d", "15 m", "-1", "1w", ""].map(parseDuration), [
    900,
    900,
    7200,
    864_000,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("an instant that never was shows as a dash", () => {
  assert.equal(agoText(undefined, 0), "-");
  assert.equal(agoText(0, 5000), "5s ago");
});

Deno.test("sizes use binary steps", () => {
  assert.deepEqual([512, 2048, 3 << 20, 1.5 * 2 ** 30].map(bytesText), [
    "512 B",
    "2 KB",
    "3 MB",
    "1.5 GB",
  ]);
});

Deno.test("text from elsewhere cannot drive the terminal", () => {
  assert.equal(printable("a\u001b]0;title\u0007b"), "a\\x1b]0;title\\x07b");
  assert.equal(printable("line\nnext\rback"), "line\\x0anext\\x0dback");
  assert.equal(printable("tab\tstays, ünïcödé too"), "tab\tstays, ünïcödé too");
  assert.equal(printable("\u202eevil"), "\\x202eevil");
});

Deno.test("a table has no trailing spaces and is as wide as its widest cells", () => {
  const lines = tableLines([{ heading: "A" }, { heading: "BB", width: 5 }, { heading: "C" }], [
    ["long cell", "x", ""],
    ["y", "", "z"],
  ], paint(false));
  assert.deepEqual(lines, ["A          BB     C", "long cell  x", "y                 z"]);
});

Deno.test("a progress line appears after one second, counts, and goes away", async () => {
  const clock = new VirtualClock();
  const host = memoryHost({ terminal: true });
  const text = () => new TextDecoder().decode(host.written.stderr);
  const progress = startProgress(host.stderr, clock, "waiting for the journal");
  clock.advance(999);
  await Promise.resolve();
  assert.equal(text(), "");
  clock.advance(1);
  clock.advance(1000);
  await progress.stop();
  assert.equal(
    text(),
    "\r\u001b[Kwaiting for the journal … 1 s\r\u001b[Kwaiting for the journal … 2 s\r\u001b[K",
  );
});

Deno.test("no progress line where standard error is no terminal", async () => {
  const clock = new VirtualClock();
  const host = memoryHost({});
  const progress = startProgress(host.stderr, clock, "waiting");
  clock.advance(5000);
  await progress.stop();
  assert.equal(host.written.stderr.length, 0);
});
