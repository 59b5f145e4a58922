import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { journal } from "../../../api/mod.ts";
import { PolicySettingsSchema } from "../../../common/model/mod.ts";
import { deltaFromWire, settingsToWire } from "../../../common/wire/mod.ts";
import type { JournalScript } from "../../support/mod.ts";
import { refuse } from "./fixtures.ts";
import { assertGolden, runScenario } from "./harness.ts";

const SPEC = `
[vcluster.ml]
base_image = "alps-ml-2026q1"
supervisor_backend = "pact"

[vcluster.ml.sysctl]
"vm.nr_hugepages" = 1024
"vm.swappiness" = "10"
remove = ["kernel.sysrq"]

[vcluster.ml.modules]
load = ["nvidia", "nfs"]

[vcluster.ml.mounts]
"/datasets" = { type = "nfs", source = "storage02:/shared", options = "ro,noatime", read_only = true }

[vcluster.ml.files]
"/etc/motd" = { content = "Welcome\\n", mode = "0644", owner = "root:root" }

[vcluster.ml.network]
hsn0 = { address = "10.0.0.1/24", mtu = 9000, state = "up" }

[vcluster.ml.packages]
slurm = "24.05"

[vcluster.ml.services.chronyd]
binary = "/usr/sbin/chronyd"
args = ["-d"]
restart = "always"
health_check = { type = "tcp", port = 323, interval_seconds = 30 }

[vcluster.ml.services.minimal]
state = "running"

[vcluster.ml.policy]
enforcement_mode = "enforce"
`;

const overlay = {
  format: 1,
  vcluster: "ml",
  version: 4,
  built_from_sequence: 40,
  sysctl: { "vm.swappiness": "10", "vm.nr_hugepages": "512", "kernel.sysrq": "0" },
  modules: ["nfs"],
  files: {
    "/etc/motd": {
      content_hash: createHash("sha256").update("Welcome\n").digest("hex"),
      mode: 0o644,
      owner: "root:root",
    },
  },
  services: [{ name: "minimal", state: "running" }],
};

function journalWith(
  appended: (request: journal.AppendEntryRequest) => void = () => {},
): JournalScript {
  return {
    config: {
      getOverlay: ({ vclusterId }) => ({
        vclusterId,
        data: new TextEncoder().encode(JSON.stringify({ ...overlay, vcluster: vclusterId })),
      }),
      appendEntry(request) {
        appended(request);
        return { sequence: 50n, policyRef: "rbac:allow", overlayVersion: 5n };
      },
    },
    policy: {
      getEffectivePolicy: () => ({
        ...settingsToWire(PolicySettingsSchema.parse({})),
        version: 1n,
      }),
      updatePolicy: () => ({ success: true, policyRef: "policy:ml" }),
    },
  };
}

Deno.test("CLI-75: apply --dry-run lists what would change and sends nothing", () =>
  assertGolden("apply_dry_run", {
    args: ["apply", "DIR/ml.toml", "--dry-run"],
    files: { "ml.toml": SPEC },
    journal: journalWith(() => assert.fail("a dry run must not append")),
  }));

Deno.test("SVC-1, CLI-75: a dry run names what the journal would refuse: services that could not start", async () => {
  const service = (name: string, needs: string) =>
    `[vcluster.ml.services.${name}]\nbinary = "/bin/true"\ndepends_on = ["${needs}"]\n`;
  const dryRun = (spec: string) =>
    runScenario({
      args: ["apply", "DIR/ml.toml", "--dry-run"],
      files: { "ml.toml": spec },
      journal: journalWith(),
    });
  const cycle = await dryRun(service("egg", "hen") + service("hen", "egg"));
  assert.equal(cycle.code, 3);
  assert.match(cycle.stderr, /dependency cycle: egg -> hen -> egg \(in vCluster ml\)/);
  assert.match((await dryRun(service("web", "db"))).stderr, /web depends on unknown service db/);
  assert.equal((await dryRun(service("web", "minimal"))).code, 0);
});

Deno.test("CLI-73: apply appends one Commit and updates the policy", () =>
  assertGolden("apply", {
    args: ["apply", "DIR/ml.toml"],
    files: { "ml.toml": SPEC },
    journal: journalWith(),
  }));

Deno.test("CLI-72: a spec maps to the entry's delta with whole services, mounts and files", async () => {
  let seen: journal.AppendEntryRequest | undefined;
  const { code } = await runScenario({
    args: ["apply", "DIR/ml.toml", "-m", "Spring update"],
    files: { "ml.toml": SPEC },
    journal: journalWith((request) => seen = request),
  });
  assert.equal(code, 0);
  assert.match(seen?.entry?.policyRef ?? "", /^apply:.*ml\.toml$/);
  assert.equal(seen?.entry?.message, "Spring update");
  const delta = deltaFromWire(seen?.entry?.stateDelta ?? assert.fail("no delta"));
  assert.deepEqual(delta, {
    mounts: [{
      action: "Add",
      key: "/datasets",
      value: {
        type: "nfs",
        source: "storage02:/shared",
        options: "ro,noatime",
        read_only: true,
      },
    }],
    network: [{
      action: "Modify",
      key: "hsn0",
      value: { address: "10.0.0.1/24", mtu: 9000, state: "up" },
    }],
    services: [{
      action: "Modify",
      key: "chronyd",
      value: {
        name: "chronyd",
        binary: "/usr/sbin/chronyd",
        args: ["-d"],
        restart: "Always",
        health_check: { type: "Tcp", port: 323, interval_seconds: 30 },
      },
    }],
    kernel: [
      { action: "Modify", key: "vm.nr_hugepages", value: "1024", previous: "512" },
      { action: "Remove", key: "kernel.sysrq", previous: "0" },
    ],
    packages: [{ action: "Add", key: "slurm", value: "24.05" }],
    settings: [
      { action: "Modify", key: "base_image", value: "alps-ml-2026q1" },
      { action: "Add", key: "module:nvidia" },
    ],
  });
});

Deno.test("CLI-74: a spec that is already in effect appends nothing", () =>
  assertGolden("apply_unchanged", {
    args: ["apply", "DIR/ml.toml"],
    files: { "ml.toml": '[vcluster.ml.sysctl]\n"vm.swappiness" = "10"\n' },
    journal: journalWith(() => assert.fail("nothing to append")),
  }));

Deno.test("CLI-74: an empty spec says so and exits 0", () =>
  assertGolden("apply_empty", {
    args: ["apply", "DIR/ml.toml"],
    files: { "ml.toml": "# nothing yet\n" },
  }));

Deno.test("apply reads standard input for -", () =>
  assertGolden("apply_stdin", {
    args: ["apply", "-", "--dry-run"],
    stdin: "[vcluster.ml.packages]\nslurm = '24.05'\n",
    journal: journalWith(),
  }));

Deno.test("CLI-73: vClusters are applied independently; the first failure gives the exit code", () =>
  assertGolden("apply_partial", {
    args: ["apply", "DIR/two.toml"],
    files: {
      "two.toml": "[vcluster.ml.packages]\nslurm = '1'\n[vcluster.hpc.packages]\nslurm = '2'\n",
    },
    journal: journalWith(({ entry }) => {
      if (entry?.scope?.scope.value === "ml") refuse("POLICY_DENIED", "POLICY_DENIED: frozen")();
    }),
  }));

Deno.test("ACC-C7: a policy refusal exits 3", () =>
  assertGolden("apply_policy_denied", {
    args: ["apply", "DIR/ml.toml"],
    files: { "ml.toml": "[vcluster.ml.packages]\nslurm = '1'\n" },
    journal: journalWith(refuse("POLICY_DENIED", "POLICY_DENIED: change freeze")),
  }));

Deno.test("CLI-71: every unknown key and wrong value is named with its line, and nothing is sent", () =>
  assertGolden("apply_invalid", {
    args: ["apply", "DIR/bad.toml"],
    files: {
      "bad.toml": `[vcluster.ml]
base_imge = "x"

[vcluster.ml.sysctl]
"vm.swappiness" = true

[vcluster.ml.mounts]
"/d" = { type = "nfs", sorce = "s:/d" }

[vcluster.ml.files]
"etc/motd" = { content = "a", content_hash = "b" }

[[vcluster.ml.services]]
name = "good"

[[vcluster.ml.services]]
name = "bad"
restart = "sometimes"
binry = "/bin/x"

[vcluster.ml.policy]
enforcment_mode = "enforce"

[clusters.x]
`,
    },
  }));

Deno.test("a malformed spec is named with file, line and column", () =>
  assertGolden("apply_malformed", {
    args: ["apply", "DIR/bad.toml"],
    files: { "bad.toml": "[vcluster.ml]\nbase_image = \n" },
  }));

Deno.test("an oversized spec is refused", async () => {
  const { code, stderr } = await runScenario({
    args: ["apply", "DIR/big.toml"],
    files: { "big.toml": `# ${"x".repeat(4 * 1024 * 1024)}\n` },
  });
  assert.equal(code, 1);
  assert.match(stderr, /big\.toml: larger than \d+ bytes/);
});

Deno.test("CLI-70: content_file is read beside the spec", async () => {
  let seen: journal.AppendEntryRequest | undefined;
  const { code, stderr } = await runScenario({
    args: ["apply", "DIR/ml.toml"],
    files: {
      "ml.toml": '[vcluster.ml.files]\n"/etc/hosts.d" = { content_file = "hosts" }\n',
      hosts: "10.0.0.1 n1\n",
    },
    journal: journalWith((request) => seen = request),
  });
  assert.equal(code, 0, stderr);
  const content = seen?.entry?.stateDelta?.files[0]?.content;
  assert.equal(new TextDecoder().decode(content), "10.0.0.1 n1\n");
});

Deno.test("CLI-82: a promoted spec's acknowledgements travel with the apply", async () => {
  let seen: journal.AppendEntryRequest | undefined;
  const { code } = await runScenario({
    args: ["apply", "DIR/ml.toml"],
    files: {
      "ml.toml":
        '# pact-ack: node-2 kernel:"vm.swappiness" keep\n[vcluster.ml.sysctl]\n"vm.swappiness" = "60"\n',
    },
    journal: journalWith((request) => seen = request),
  });
  assert.equal(code, 0);
  assert.deepEqual(
    seen?.promoteDecisions.map(({ nodeId, category, key, decision }) => [
      nodeId,
      category,
      key,
      decision,
    ]),
    [["node-2", "kernel", "vm.swappiness", "keep"]],
  );
});
