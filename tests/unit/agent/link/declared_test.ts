import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";
import { declaredConfig, effectiveDocument } from "../../../../agent/link/mod.ts";
import { checkWorkerFrame } from "../../../../agent/port/mod.ts";
import { EntrySchema, OverlayDocumentSchema } from "../../../../common/model/mod.ts";

const overlay = (more: object = {}) =>
  OverlayDocumentSchema.parse({
    format: 1,
    vcluster: "ml",
    version: 7,
    built_from_sequence: 6,
    ...more,
  });

const AUTHOR = { principal: "ann", principal_type: "Human", role: "pact-platform-admin" };

/** A commit of the node's own. */
const commit = (sequence: number, state_delta: object) =>
  EntrySchema.parse({
    sequence,
    timestamp: "2026-01-01T00:00:00Z",
    entry_type: "Commit",
    scope: { Node: "n1" },
    author: AUTHOR,
    state_delta,
  });

const POSITION = { overlayVersion: 7, sequence: 9, nodeDeltas: [8] };
const declared = (more: object) => declaredConfig(overlay(more), POSITION);
const CONTENT = btoa("hello\n");

Deno.test("APL-1: a node's own commits lie on top of the overlay, in their order", () => {
  const base = overlay({
    sysctl: { "vm.swappiness": "10", "vm.dirty_ratio": "5" },
    files: { "/etc/motd": { content_b64: CONTENT, mode: 0o644, owner: "root" } },
    services: [{ name: "web", binary: "/bin/sleep" }],
  });
  const effective = effectiveDocument(base, [
    commit(8, {
      kernel: [
        { action: "Modify", key: "vm.swappiness", value: "20" },
        { action: "Remove", key: "vm.dirty_ratio" },
      ],
      files: [{ action: "Modify", key: "/etc/motd", value: { mode: 0o600 } }],
    }),
    commit(9, {
      kernel: [{ action: "Modify", key: "vm.swappiness", value: "30" }],
      services: [{ action: "Modify", key: "web", value: "stopped" }],
    }),
  ]);
  assert.deepEqual(effective.sysctl, { "vm.swappiness": "30" });
  assert.deepEqual(effective.files["/etc/motd"], {
    content_b64: CONTENT,
    mode: 0o600,
    owner: "root",
  });
  assert.equal(effective.services[0]?.state, "stopped");
  assert.equal(effective.services[0]?.binary, "/bin/sleep");
  assert.deepEqual(base.sysctl["vm.swappiness"], "10", "the overlay itself stays");
});

Deno.test("APL-1: a new content takes the place of the declared one, hash included", () => {
  const base = overlay({
    files: { "/etc/motd": { content_b64: CONTENT, content_hash: "a".repeat(64), mode: 0o644 } },
  });
  const files = [{ action: "Modify", key: "/etc/motd", value: { content_b64: btoa("mine\n") } }];
  const effective = effectiveDocument(base, [commit(8, { files })]);
  assert.deepEqual(effective.files["/etc/motd"], { content_b64: btoa("mine\n"), mode: 0o644 });
});

Deno.test("APL-1: services are added and removed on one node", () => {
  const base = overlay({ services: [{ name: "web", binary: "/bin/sleep" }] });
  const effective = effectiveDocument(base, [
    commit(8, {
      services: [{ action: "Add", key: "own", value: { name: "own", binary: "/bin/x" } }],
    }),
    commit(9, { services: [{ action: "Remove", key: "web" }] }),
  ]);
  assert.deepEqual(effective.services.map(({ name }) => name), ["own"]);
});

Deno.test("a declaration is told the core with its defaults filled in", () => {
  const config = declared({
    services: [{ name: "web", binary: "/bin/sleep", cgroup_memory_max: "128M" }],
    files: {
      "/etc/motd": { content_b64: CONTENT, mode: 0o644 },
      "/etc/hash": { content_hash: "a".repeat(64) },
    },
    blacklist: ["/scratch/**"],
  });
  const [service] = config.services;
  assert.deepEqual(
    [service?.restart, service?.restartDelaySeconds, service?.memoryMaxBytes, service?.stopped],
    [agentport.RestartPolicy.ALWAYS, 5, 128n * 1024n * 1024n, false],
  );
  assert.deepEqual(service?.healthCheck?.type, agentport.HealthCheckType.PROCESS);
  assert.deepEqual(
    config.files.map(({ path, hasContent, mode, contentHash }) => [
      path,
      hasContent,
      mode,
      contentHash.length,
    ]),
    [["/etc/motd", true, 0o644, 0], ["/etc/hash", false, 0, 64]],
  );
  assert.equal(new TextDecoder().decode(config.files[0]?.content), "hello\n");
  assert.deepEqual([config.overlayVersion, config.sequence, config.nodeDeltas], [7n, 9n, [8n]]);
  assert.deepEqual(config.blacklist, ["/scratch/**"]);
});

Deno.test("CTX-5: what no dimension of this version applies is named, never dropped", () => {
  const { unsupported } = declared({
    packages: { slurm: "24.05" },
    gpu: { mode: "exclusive" },
    uenv: "pytorch",
  });
  assert.deepEqual(unsupported.sort(), [
    "gpu:mode",
    "packages:slurm",
    "settings:uenv",
  ]);
});

Deno.test("CLD-3: device rules go on, and what a rule does not say is absent", () => {
  const { devices } = declared({ devices: { "cxi*": { mode: 0o660, group: "hsn" }, kfd: {} } });
  assert.deepEqual(
    devices.map(({ glob, mode, owner, group }) => [glob, mode, owner, group]),
    [["cxi*", 0o660, "", "hsn"], ["kfd", undefined, "", ""]],
  );
});

Deno.test("NET-3: interfaces go on in one form, malformed ones are named", () => {
  const { network, unsupported } = declared({
    network: { eth0: "10.0.0.7/24", eth1: { mtu: 9000 }, eth2: { mtu: 1 }, "a b": "dhcp" },
  });
  assert.deepEqual(Object.keys(network), ["eth0", "eth1"]);
  assert.match(network["eth0"] ?? "", /^{"address":\["10.0.0.7\/24"\]/);
  assert.deepEqual(unsupported.sort(), ["network:a b", "network:eth2"]);
});

Deno.test("an item that the core would refuse is named, and the others go on", () => {
  const config = declared({
    sysctl: { "vm.swappiness": "10", "vm swappiness": "10" },
    files: { "/etc/motd": { content_b64: CONTENT }, "etc/motd": { content_b64: CONTENT } },
    mounts: { "../scratch": { type: "nfs", source: "a:/b" } },
    services: [{ name: "web", binary: "/bin/sleep" }, { name: "bad", binary: "/bin/../x" }],
  });
  assert.deepEqual(config.unsupported.sort(), [
    "files:etc/motd",
    "kernel:vm swappiness",
    "mounts:../scratch",
    "services:bad",
  ]);
  assert.deepEqual(config.sysctl, { "vm.swappiness": "10" });
  assert.deepEqual(config.services.map(({ name }) => name), ["web"]);
  checkWorkerFrame(
    create(agentport.WorkerFrameSchema, {
      frame: { case: "declared", value: config },
    }).frame,
  );
});
