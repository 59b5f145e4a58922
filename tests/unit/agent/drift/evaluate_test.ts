import assert from "node:assert/strict";
import {
  compileBlacklist,
  type Difference,
  type DriftItem,
  evaluateDrift,
  itemName,
  knownItems,
  parseItemName,
  redactItem,
} from "../../../../agent/drift/mod.ts";

const text = (value: string) => ({ kind: "text", text: value } as const);
const sysctl = (key: string, declared: string, actual: string): Difference => ({
  category: "kernel",
  key,
  action: "Modify",
  declared: text(declared),
  actual: text(actual),
});
const file = (key: string, hash: string): Difference => ({
  category: "files",
  key,
  action: "Modify",
  declared: { kind: "file", contentHash: "d".repeat(64), content: new Uint8Array([1]) },
  actual: { kind: "file", contentHash: hash.repeat(64), mode: 0o644 },
});

function evaluate(
  differences: readonly Difference[],
  before: readonly DriftItem[] = [],
  nowMs = 1000,
  source: "declared" | "baseline" = "declared",
) {
  return evaluateDrift({
    differences: differences.map((difference) => ({ ...difference, source })),
    blacklist: compileBlacklist([]),
    before: knownItems(before),
    nowMs,
  });
}

Deno.test("DRIFT-1: drift is what differs now: it shrinks when somebody reverts a change", () => {
  const first = evaluate([sysctl("vm.swappiness", "10", "60"), file("/etc/motd", "a")]);
  assert.deepEqual(first.items.map(itemName), ["files:/etc/motd", "kernel:vm.swappiness"]);
  const second = evaluate([file("/etc/motd", "a")], first.items, 2000);
  assert.deepEqual(second.items.map(itemName), ["files:/etc/motd"]);
  assert.deepEqual([second.changed, second.grew], [true, false]);
  assert.deepEqual(evaluate([], second.items).items, []);
});

Deno.test("DRIFT-2: an item keeps the time at which it was first seen", () => {
  const first = evaluate([file("/etc/motd", "a")], [], 1000);
  const same = evaluate([file("/etc/motd", "a")], first.items, 5000);
  assert.deepEqual([same.changed, same.grew], [false, false]);
  const further = evaluate([file("/etc/motd", "b")], same.items, 9000);
  assert.deepEqual([further.changed, further.grew], [true, true]);
  assert.equal(further.items[0]?.firstSeenMs, 1000);
});

Deno.test("BLK-3: a blacklist hides undeclared noise, never a declared item", () => {
  assert.deepEqual(evaluate([file("/var/log/x", "a")], [], 0, "baseline").items, []);
  const declared = evaluate([file("/var/log/x", "a")]);
  assert.equal(declared.items.length, 1);
  assert.deepEqual(declared.declaredThoughListed, ["files:/var/log/x"]);
});

Deno.test("OBS-8: sysctls that the kernel changes by itself never count unless declared", () => {
  for (const key of ["kernel.random.uuid", "fs.file-nr", "fs.inode-state", "kernel.pty.nr"]) {
    assert.deepEqual(evaluate([sysctl(key, "1", "2")], [], 0, "baseline").items, [], key);
  }
});

Deno.test("DRIFT-6: a change is attributed to whoever is known to have made it", () => {
  const evaluation = evaluateDrift({
    differences: [
      { ...file("/etc/motd", "a"), source: "declared" },
      { ...file("/etc/hosts", "a"), source: "declared" },
    ],
    blacklist: compileBlacklist([]),
    before: new Map(),
    nowMs: 0,
    attribution: (name) =>
      name === "files:/etc/motd" ? { actor: "alice", session: "s1" } : undefined,
  });
  assert.deepEqual(
    evaluation.items.map((item) => [item.key, item.attribution?.actor]),
    [["/etc/hosts", undefined], ["/etc/motd", "alice"]],
  );
});

Deno.test("OBS-11: the process behind a value stays with it, and goes with it", () => {
  const seen = (
    content: string,
    before: ReturnType<typeof knownItems>,
    nowMs: number,
    cause?: string,
  ) => {
    const { items } = evaluateDrift({
      differences: [{ ...file("/etc/motd", content), source: "declared" }],
      blacklist: compileBlacklist([]),
      before,
      nowMs,
      cause: () => cause,
    });
    return { cause: items[0]?.cause, known: knownItems(items) };
  };
  const first = seen("a", new Map(), 0);
  assert.equal(first.cause, undefined);
  // The scan was faster than the news.
  const told = seen("a", first.known, 1_000, "sed (pid 7)");
  assert.equal(told.cause, "sed (pid 7)");
  assert.equal(seen("a", told.known, 2_000, "touch (pid 8)").cause, "sed (pid 7)");
  assert.equal(seen("b", told.known, 2_000).cause, undefined);
  assert.equal(seen("a", first.known, 60_000, "late (pid 9)").cause, undefined);
});

Deno.test("DRIFT-12: file contents and values of secret keys never leave in a report", () => {
  const shown = redactItem(file("/etc/munge/munge.key", "a"));
  assert.equal(shown.declared?.kind === "file" && "content" in shown.declared, false);
  assert.deepEqual(
    redactItem(sysctl("net.core.secret_seed", "a", "b")).actual,
    text("[REDACTED]"),
  );
  assert.deepEqual(redactItem(sysctl("vm.swappiness", "a", "b")).actual, text("b"));
});

Deno.test("SHS-9: items are named category:key, and keys may hold colons", () => {
  assert.deepEqual(parseItemName("kernel:module:nvidia"), {
    category: "kernel",
    key: "module:nvidia",
  });
  assert.equal(parseItemName("settings:uenv"), undefined);
  assert.equal(parseItemName("files:"), undefined);
});
