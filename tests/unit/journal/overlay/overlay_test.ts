import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import { Buffer } from "node:buffer";
import {
  OverlayDocumentSchema,
  PolicySettingsSchema,
  type StateDelta,
} from "../../../../common/model/mod.ts";
import {
  buildOverlay,
  CHUNK_BYTES,
  isCurrent,
  isStale,
  isUnstored,
  nodeDelta,
  OverlayBuilder,
  OverlayCompressor,
  vclusterExists,
} from "../../../../journal/overlay/mod.ts";
import {
  append,
  commit,
  kernel,
  register,
  rollback,
  TestState,
} from "../../../support/journal/mod.ts";

const vcluster = { VCluster: "ml" };
const node = { Node: "n1" };

/** Builds and stores the overlay of `ml`. */
function rebuild(state: TestState) {
  const overlay = buildOverlay(state.store, "ml");
  state.send({ type: "SetOverlay", overlay });
  return overlay;
}

function documentOf(state: TestState) {
  return OverlayDocumentSchema.parse(JSON.parse(buildOverlay(state.store, "ml").data));
}

const EVERYTHING: StateDelta = {
  mounts: [
    {
      action: "Add",
      key: "/data",
      value: { type: "nfs", source: "srv:/data", options: "ro", read_only: true },
    },
    { action: "Add", key: "/old", value: "ext4:/dev/sdb1 (rw,noatime)" },
  ],
  files: [{ action: "Add", key: "/etc/motd", value: { content_b64: "aGk=", mode: 0o644 } }],
  network: [{ action: "Add", key: "eth0", value: { mtu: 9000 } }],
  services: [
    { action: "Add", key: "late", value: { name: "late", binary: "/bin/late", order: 2 } },
    { action: "Add", key: "early", value: { name: "early", binary: "/bin/early", order: 1 } },
    { action: "Add", key: "plain", value: "stopped" },
  ],
  kernel: [{ action: "Modify", key: "vm.swappiness", value: "10" }],
  packages: [{ action: "Add", key: "slurm", value: "23.11" }],
  gpu: [{ action: "Modify", key: "0", value: "mig=off" }],
  settings: [
    { action: "Add", key: "base_image", value: "rocky-9" },
    { action: "Add", key: "uenv", value: "prgenv/24" },
    { action: "Add", key: "module:nvidia", value: "" },
    { action: "Add", key: "module:ib_core", value: "" },
    { action: "Add", key: "device:nvidia*", value: '{"group":"gpu","mode":432}' },
    { action: "Add", key: "device:../sda", value: '{"mode":438}' },
    { action: "Add", key: "device:sda", value: '{"mode":4095}' },
    { action: "Add", key: "device:sdb", value: "0666" },
  ],
};

Deno.test("OVL-2: the document carries every category, policy and blacklist, keys sorted", () => {
  using state = new TestState();
  state.append(append({ scope: vcluster, state_delta: EVERYTHING }));
  state.send({
    type: "SetPolicy",
    vcluster_id: "ml",
    settings: PolicySettingsSchema.parse({ supervisor_backend: "systemd" }),
  });
  state.send({ type: "SetBlacklist", vcluster_id: "ml", add: ["/tmp/**"] });
  const overlay = documentOf(state);
  assert.deepEqual(overlay.mounts, {
    "/data": { type: "nfs", source: "srv:/data", options: "ro", read_only: true },
    "/old": { type: "ext4", source: "/dev/sdb1", options: "rw,noatime", read_only: false },
  });
  assert.deepEqual(overlay.files, { "/etc/motd": { content_b64: "aGk=", mode: 0o644 } });
  assert.deepEqual(overlay.network, { eth0: { mtu: 9000 } });
  assert.deepEqual(overlay.services.map(({ name }) => name), ["plain", "early", "late"]);
  assert.deepEqual(overlay.sysctl, { "vm.swappiness": "10" });
  assert.deepEqual(overlay.packages, { slurm: "23.11" });
  assert.deepEqual(overlay.gpu, { "0": "mig=off" });
  assert.deepEqual(overlay.modules, ["ib_core", "nvidia"]);
  assert.equal(overlay.base_image, "rocky-9");
  assert.equal(overlay.uenv, "prgenv/24");
  assert.deepEqual(overlay.devices, { "nvidia*": { group: "gpu", mode: 0o660 } }, "CLD-3");
  assert.equal(overlay.supervisor_backend, "systemd");
  assert.equal(overlay.policy?.version, 1);
  assert.deepEqual(overlay.blacklist, ["/tmp/**"]);
  const { data } = buildOverlay(state.store, "ml");
  const keys = [...data.matchAll(/[{,]"([a-z_]+)":/g)].map(([, key]) => key);
  assert.equal(keys[0], "base_image");
});

Deno.test("CLD-3: a document without device rules has no key for them, as before there were any", () => {
  using state = new TestState();
  state.append(commit(vcluster, { a: "1" }));
  assert.equal("devices" in documentOf(state), false);
  assert.doesNotMatch(buildOverlay(state.store, "ml").data, /devices/);
});

Deno.test("OVL-3: Commits and Rollbacks of the vCluster make the document, others do not", () => {
  using state = new TestState();
  const first = state.append(commit(vcluster, { a: "1" }));
  state.append(commit(vcluster, { a: "2", b: "2" }));
  state.append(commit({ VCluster: "other" }, { c: "3" }));
  state.append(commit(node, { d: "4" }));
  assert.deepEqual(documentOf(state).sysctl, { a: "2", b: "2" });
  state.append(rollback(vcluster, first));
  assert.deepEqual(documentOf(state).sysctl, { a: "1" });
});

Deno.test("OVL-3, OVL-8: a member that knows more of other vClusters builds the same bytes", () => {
  using behind = new TestState();
  using ahead = new TestState();
  for (const state of [behind, ahead]) state.append(commit(vcluster, { a: "1" }));
  ahead.append(commit({ VCluster: "other" }, { b: "1" }));
  ahead.append(append({ entry_type: "ExecLog", scope: node }));
  const [one, other] = [buildOverlay(behind.store, "ml"), buildOverlay(ahead.store, "ml")];
  assert.equal(one.data, other.data);
  assert.equal(one.checksum, other.checksum);
  assert.ok(one.built_from_sequence < other.built_from_sequence);
});

Deno.test("OVL-8: where no leader is known, nobody is waited for and the build is served as it is", async () => {
  using state = new TestState();
  state.append(commit(vcluster, { a: "1" }));
  const builder = new OverlayBuilder({
    state: state.store,
    propose: () => Promise.reject(new Error("nobody takes proposals")),
    hasLeader: () => false,
  });
  const overlay = await builder.fresh("ml");
  assert.ok(isUnstored(overlay));
  assert.ok(isCurrent(state.store, overlay));
  assert.equal(overlay.data, buildOverlay(state.store, "ml").data);
  assert.equal(state.store.get("overlays", "ml"), undefined);
});

Deno.test("OVL-4: the checksum is the SHA-256 of the document's bytes", () => {
  using state = new TestState();
  state.append(commit(vcluster, { a: "ü" }));
  const { data, checksum } = buildOverlay(state.store, "ml");
  assert.equal(checksum, createHash("sha256").update(data).digest("hex"));
});

Deno.test("OVL-5, ACC-2: versions count changes of content; equal content keeps version and bytes", () => {
  using state = new TestState();
  state.append(commit(vcluster, { a: "1" }));
  const first = rebuild(state);
  state.append(commit(vcluster, { a: "1" }));
  const second = rebuild(state);
  assert.equal(second.version, 1);
  assert.equal(second.data, first.data);
  assert.ok(second.built_from_sequence > first.built_from_sequence);
  state.append(commit(vcluster, { a: "2" }));
  const third = rebuild(state);
  assert.equal(third.version, 2);
  assert.equal(state.store.get("overlays", "ml")?.checksum, third.checksum);
});

Deno.test("ACC-2, J5: an overlay built from an older state does not replace a newer one", () => {
  using state = new TestState();
  state.append(commit(vcluster, { a: "1" }));
  const old = buildOverlay(state.store, "ml");
  state.append(commit(vcluster, { a: "2" }));
  rebuild(state);
  assert.equal(state.refusal({ type: "SetOverlay", overlay: old }).code, "PRECONDITION");
});

Deno.test("OVL-7: an overlay is stale from the next change of its vCluster on", () => {
  using state = new TestState();
  assert.equal(isStale(state.store, "ml"), true, "missing");
  state.append(commit(vcluster, { a: "1" }));
  rebuild(state);
  assert.equal(isStale(state.store, "ml"), false);
  state.append(commit({ VCluster: "other" }, { a: "1" }));
  state.append(append({ entry_type: "ExecLog", scope: vcluster }));
  assert.equal(isStale(state.store, "ml"), false, "nothing that affects it");
  state.send({ type: "SetBlacklist", vcluster_id: "ml", add: ["*.log"] });
  assert.equal(isStale(state.store, "ml"), true);
});

Deno.test("OVL-9, OVL-10, VCP-6: which vClusters exist", () => {
  using state = new TestState();
  state.send(register("n1", "02:00:00:00:00:01", "assigned"));
  state.append(append({ scope: { VCluster: "mentioned" } }));
  assert.deepEqual(
    ["assigned", "mentioned", "_domain", "never"].map((id) => vclusterExists(state.store, id)),
    [true, true, true, false],
  );
  const { version, data } = buildOverlay(state.store, "assigned");
  assert.equal(version, 1);
  assert.deepEqual(OverlayDocumentSchema.parse(JSON.parse(data)).sysctl, {});
});

Deno.test("BOOT-2: the overlay is compressed once a version and cut into 64 KiB chunks", () => {
  using state = new TestState();
  const noise = Array.from(
    { length: 8000 },
    (_, i) => createHash("sha256").update(String(i)).digest("base64"),
  );
  state.append(append({
    scope: vcluster,
    state_delta: kernel(Object.fromEntries(noise.map((value, i) => [`key.${i}`, value]))),
  }));
  rebuild(state);
  const stored = state.store.get("overlays", "ml");
  assert.ok(stored !== undefined);
  const compressor = new OverlayCompressor();
  const compressed = compressor.compress(stored);
  assert.ok(compressed.chunks.length > 1);
  for (const chunk of compressed.chunks.slice(0, -1)) assert.equal(chunk.byteLength, CHUNK_BYTES);
  const whole = zstdDecompressSync(Buffer.concat(compressed.chunks));
  assert.equal(createHash("sha256").update(whole).digest("hex"), compressed.checksum);
  assert.equal(compressor.compress(stored), compressed, "BOOT-10: one buffer for all streams");
});

Deno.test("BOOT-2: an empty document is one empty chunk", () => {
  const { chunks } = new OverlayCompressor().compress({
    vcluster_id: "ml",
    version: 1,
    data: "",
    checksum: "0".repeat(64),
    built_from_sequence: 0,
    built_at: "2026-01-01T00:00:00Z",
  });
  assert.deepEqual(chunks.map(({ byteLength }) => byteLength), [0]);
});

Deno.test("BOOT-3: a node's delta is its live Commits; superseded and rolled back ones are left out", () => {
  using state = new TestState();
  assert.equal(nodeDelta(state.store, "n1", state.nowMs), undefined);
  const superseded = state.append(commit(node, { a: "1" }));
  const half = state.append(commit(node, { a: "2", b: "2" }));
  const newest = state.append(commit(node, { a: "3" }));
  state.append(append({ entry_type: "ExecLog", scope: node }));
  const delta = nodeDelta(state.store, "n1", state.nowMs);
  const sequences = (json: string | undefined) =>
    [...(json ?? "").matchAll(/"sequence":(\d+)/g)].map(([, sequence]) => Number(sequence));
  assert.deepEqual(sequences(delta?.data), [half, newest]);
  assert.equal(delta?.version, newest);
  assert.equal(delta?.checksum, createHash("sha256").update(delta.data).digest("hex"));
  state.append(rollback(node, superseded));
  assert.deepEqual(sequences(nodeDelta(state.store, "n1", state.nowMs)?.data), [superseded]);
});

Deno.test("JRN-32, BOOT-3: from the instant of expiry on a delta is left out, and the older one counts", () => {
  using state = new TestState();
  const base = state.append(commit(node, { a: "1" }));
  const short = state.append(commit(node, { a: "2" }, { ttl_seconds: 900 }));
  const at = (ms: number) => nodeDelta(state.store, "n1", state.nowMs + ms)?.version;
  assert.equal(at(899_999), short);
  assert.equal(at(900_000), base);
});
