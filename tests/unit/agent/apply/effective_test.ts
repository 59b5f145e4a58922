import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { agentport, config } from "../../../../api/mod.ts";
import {
  DeclarationError,
  deltaFromWire,
  dueRetries,
  effectiveFromWire,
  type FailureList,
  foldDelta,
  forgetFailure,
  nextRetryMs,
  noteFailure,
} from "../../../../agent/apply/mod.ts";
import { driftVector, stateDelta } from "../../../../agent/drift/mod.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function declare(init: Parameters<typeof create<typeof agentport.DeclaredConfigSchema>>[1]) {
  return effectiveFromWire(create(agentport.DeclaredConfigSchema, init));
}

const base = () =>
  declare({
    overlayVersion: 3n,
    sequence: 7n,
    sysctl: { "vm.swappiness": "10" },
    files: [{ path: "/etc/motd", content: bytes("a"), hasContent: true, mode: 0o644 }],
    services: [{ name: "web", binary: "/bin/web" }],
  });

Deno.test("APL-1: the overlay folded with the node's deltas is what is declared", () => {
  const delta = create(config.StateDeltaSchema, {
    kernel: [{ key: "vm.swappiness", action: config.DeltaAction.MODIFY, declaredValue: "60" }],
    files: [{ path: "/etc/motd", action: config.DeltaAction.REMOVE }],
    services: [{ name: "web", declaredState: "stopped" }],
  });
  const state = foldDelta(base(), deltaFromWire(delta), 9n);
  assert.equal(state.sequence, 9n);
  assert.deepEqual(state.targets.kernel.get("vm.swappiness"), {
    state: "present",
    value: { kind: "text", text: "60" },
  });
  assert.deepEqual(state.targets.files.get("/etc/motd"), { state: "absent" });
  const web = state.targets.services.get("web");
  assert.ok(web?.state === "present" && web.value.kind === "service");
  assert.deepEqual([web.value.state, web.value.spec?.binary], ["stopped", "/bin/web"]);
  assert.equal(base().targets.files.get("/etc/motd")?.state, "present");
});

Deno.test("APL-1: folding a removal takes other items out of the declaration", () => {
  const delta = create(config.StateDeltaSchema, {
    kernel: [{ key: "vm.swappiness", action: config.DeltaAction.REMOVE }],
  });
  assert.equal(foldDelta(base(), deltaFromWire(delta)).targets.kernel.size, 0);
});

Deno.test("JRN-12: declarations out of bounds are refused whole, naming the item", () => {
  const refused: [Parameters<typeof declare>[0], RegExp][] = [
    [{ files: [{ path: "/a", contentHash: "xyz" }] }, /^files:\/a: malformed hash$/],
    [{ files: [{ path: "/a", mode: 0o10000 }] }, /mode out of range/],
    [{
      files: [{ path: "/a", hasContent: true, content: bytes("a"), contentHash: "0".repeat(64) }],
    }, /content is not of its hash/],
    [
      { files: [{ path: "/a", hasContent: true, content: new Uint8Array(256 * 1024 + 1) }] },
      /large/,
    ],
    [{ files: [{ path: "/a" }, { path: "/a" }] }, /declared twice/],
    [{ files: [{ path: "" }] }, /key empty/],
    [{ sysctl: { "vm.x\0": "1" } }, /NUL/],
    [{ unsupported: Array(10_001).fill("gpu:0") }, /more than 10000/],
  ];
  for (const [init, text] of refused) {
    assert.throws(
      () => declare(init),
      (error) => error instanceof DeclarationError && text.test(error.message),
    );
  }
});

Deno.test("API-22: value is what the node has, previous what was declared, in vector and delta", () => {
  const items = [
    {
      category: "kernel",
      key: "vm.swappiness",
      action: "Modify",
      declared: { kind: "text", text: "10" },
      actual: { kind: "text", text: "60" },
    },
    {
      category: "files",
      key: "/etc/motd",
      action: "Modify",
      declared: { kind: "file", contentHash: "d" },
      actual: { kind: "file", contentHash: "a", mode: 0o600, content: bytes("a") },
    },
    {
      category: "services",
      key: "web",
      action: "Modify",
      declared: { kind: "service", state: "running" },
      actual: { kind: "service", state: "stopped" },
    },
  ] as const;
  const vector = driftVector(items);
  assert.equal(vector.kernel[0]?.declaredValue, "60");
  assert.equal(vector.kernel[0]?.actualValue, "10");
  assert.equal(vector.services[0]?.declaredState, "stopped");
  assert.equal(vector.files[0]?.contentHash, "a");
  assert.equal(vector.files[0]?.previousHash, "d");
  assert.equal(vector.files[0]?.content, undefined, "DRIFT-12");
  assert.deepEqual(stateDelta(items).files[0]?.content, bytes("a"));
});

Deno.test("APL-6: a failing item is tried again after 5 s, doubling to 300 s", () => {
  let list: FailureList = new Map();
  const delays: number[] = [];
  for (let attempt = 0; attempt < 9; attempt++) {
    list = noteFailure(list, "files:/a", "disk full", 0);
    delays.push((nextRetryMs(list) ?? 0) / 1000);
  }
  assert.deepEqual(delays, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
  assert.deepEqual(dueRetries(list, 299_999), []);
  assert.deepEqual(dueRetries(list, 300_000), ["files:/a"]);
  assert.equal(nextRetryMs(forgetFailure(list, "files:/a")), undefined);
});
