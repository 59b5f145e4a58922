import assert from "node:assert/strict";
import { enrolled, node, refuse } from "./fixtures.ts";
import { startScriptedAgent } from "../../support/mod.ts";
import { assertGolden, pki, runScenario } from "./harness.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const journal = { enrollment: enrolled };

Deno.test("CLI-90: exec keeps standard output and error apart and exits with the remote status", () =>
  assertGolden("exec", {
    args: ["exec", "node-1", "--", "ls", "-l", "--output", "x"],
    journal,
    agents: {
      "node-1": {
        async *exec({ command, args }) {
          assert.deepEqual([command, ...args], ["ls", "-l", "--output", "x"]);
          yield { output: { case: "stdout", value: bytes("total 0\n") } };
          yield { output: { case: "stderr", value: bytes("ls: x: no such file\n") } };
          yield { output: { case: "stdout", value: Uint8Array.of(0xff) } };
          yield { output: { case: "exitCode", value: 42 } };
        },
      },
    },
  }));

Deno.test("CLI-90: exec passes every byte unchanged", async () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const { stdoutBytes, code } = await runScenario({
    args: ["exec", "node-1", "--", "cat", "blob"],
    journal,
    agents: {
      "node-1": {
        async *exec() {
          for (let count = 0; count < 100; count++) {
            yield { output: { case: "stdout", value: all } };
          }
          yield { output: { case: "exitCode", value: 0 } };
        },
      },
    },
  });
  assert.equal(code, 0);
  assert.equal(stdoutBytes.length, 25_600);
  assert.deepEqual(stdoutBytes.slice(-256), all);
});

Deno.test("ACC-C7: a command that is not whitelisted exits 6", () =>
  assertGolden("exec_refused", {
    args: ["exec", "node-1", "--", "forbidden-cmd"],
    journal,
    agents: {
      "node-1": {
        async *exec() {
          yield { output: { case: "error", value: "forbidden-cmd: not whitelisted" } };
        },
      },
    },
  }));

Deno.test("CLI-90: exec without a command exits 1", () =>
  assertGolden("exec_no_command", { args: ["exec", "node-1"], journal }));

Deno.test("CLI-90: exec --list shows what may be run", () =>
  assertGolden("exec_list", {
    args: ["exec", "node-1", "--list"],
    journal,
    agents: {
      "node-1": {
        listCommands: () => ({
          commands: [
            { command: "ls", description: "List files" },
            { command: "systemctl", stateChanging: true, description: "Control units" },
          ],
        }),
      },
    },
  }));

Deno.test("CLI-43: exec on a node nobody enrolled exits 1", () =>
  assertGolden("exec_unknown_node", {
    args: ["exec", "node-9", "--", "ls"],
    journal: { enrollment: { inspectNode: refuse("NODE_NOT_ENROLLED", "NODE_NOT_ENROLLED: x") } },
  }));

Deno.test("CLI-43: exec on a decommissioned node exits 12", () =>
  assertGolden("exec_revoked_node", {
    args: ["exec", "node-9", "--", "ls"],
    journal: {
      enrollment: { inspectNode: () => ({ nodeId: "node-9", enrollmentState: "Revoked" }) },
    },
  }));

const hostname = {
  async *exec() {
    yield { output: { case: "stdout" as const, value: bytes("node-1\n") } };
    yield { output: { case: "exitCode" as const, value: 0 } };
  },
};

Deno.test("CLI-43: exec works while the journal is away, with a warning", () =>
  assertGolden("exec_partition", {
    args: ["exec", "node-1", "--", "hostname"],
    agents: { "node-1": hostname },
  }));

Deno.test("CLI-41: an agent whose certificate names another node gets no token", async () => {
  await using agent = await startScriptedAgent(await pki(), "node-1", hostname);
  const { code, stderr } = await runScenario({
    args: ["exec", "node-2", "--", "hostname"],
    journal,
    env: { PACT_AGENT_ENDPOINT: agent.url },
  });
  assert.equal(code, 1);
  assert.match(stderr, /cannot trust/);
  assert.deepEqual(agent.calls, []);
});

const services = [
  { name: "chronyd", state: "running", pid: 812, uptimeSeconds: 7500n, restartCount: 0 },
  { name: "web", state: "failed", restartCount: 5 },
];

Deno.test("CLI-92: service status shows a table", () =>
  assertGolden("service_status", {
    args: ["service", "status", "--node", "node-1"],
    journal,
    agents: { "node-1": { serviceControl: () => ({ services }) } },
  }));

Deno.test("CLI-92: service status of a node without services", () =>
  assertGolden("service_status_none", {
    args: ["service", "status", "--node", "node-1"],
    journal,
    agents: { "node-1": { serviceControl: () => ({}) } },
  }));

Deno.test("CLI-92: the first word of service status may be a node", () =>
  assertGolden("service_status_positional", {
    args: ["service", "status", "node-1"],
    journal,
    agents: { "node-1": { serviceControl: () => ({ services }) } },
  }));

Deno.test("service status of an unknown service exits 1 and lists those there are", () =>
  assertGolden("service_status_unknown", {
    args: ["service", "status", "wb", "--node", "node-1"],
    journal,
    agents: { "node-1": { serviceControl: () => ({ services }) } },
  }));

Deno.test("service restart says what became of the service", () =>
  assertGolden("service_restart", {
    args: ["service", "restart", "chronyd", "--node", "node-1"],
    journal,
    agents: {
      "node-1": {
        serviceControl({ service, operation }) {
          assert.deepEqual([service, operation], ["chronyd", "restart"]);
          return { services: [services[0] ?? {}] };
        },
      },
    },
  }));

Deno.test("service logs prints lines with control characters made visible", () =>
  assertGolden("service_logs", {
    args: ["service", "logs", "web", "--node", "node-1", "-n5"],
    journal,
    agents: {
      "node-1": {
        async *serviceLogs({ service, tail, follow }) {
          assert.deepEqual([service, tail, follow], ["web", 5, false]);
          yield { source: "web", lines: ["listening on 80", "red \u001b[31malert"] };
        },
      },
    },
  }));

Deno.test("CLI-93: diag shows each source with its lines", () =>
  assertGolden("diag", {
    args: ["diag", "node-1", "--lines", "2"],
    journal,
    agents: {
      "node-1": {
        async *collectDiag({ lineLimit }) {
          assert.equal(lineLimit, 2);
          yield { source: "dmesg", lines: ["usb 1-1: new device", "eth0: link up"] };
          yield { source: "service:web", lines: ["ready"], truncated: true };
        },
      },
    },
  }));

Deno.test("CLI-93: diag without lines says so and exits 0", () =>
  assertGolden("diag_empty", {
    args: ["diag", "node-1"],
    journal,
    agents: { "node-1": { async *collectDiag() {} } },
  }));

Deno.test("CLI-93: a pattern the agent cannot read exits 3", () =>
  assertGolden("diag_bad_pattern", {
    args: ["diag", "node-1", "--grep", "("],
    journal,
    agents: {
      "node-1": { collectDiag: refuse("INVALID_ARGUMENT", "invalid grep pattern") },
    },
  }));

Deno.test("CLI-93: more than 10000 lines exit 3", () =>
  assertGolden("diag_too_many", { args: ["diag", "node-1", "--lines", "10001"], journal }));

Deno.test("CLI-94: diag of a vCluster prefixes lines and goes on without nodes that are away", () =>
  assertGolden("diag_fleet", {
    args: ["diag", "--vcluster", "ml"],
    journal: {
      fleet: {
        listNodeStates: () => ({ nodes: [node(), node({ nodeId: "node-away.invalid" })] }),
      },
    },
    agents: {
      "node-1": {
        async *collectDiag() {
          yield { source: "dmesg", lines: ["eth0: link up"] };
        },
      },
    },
  }));

Deno.test("CLI-94: diag needs a node or a vCluster", () =>
  assertGolden("diag_nothing", { args: ["diag"], journal }));

Deno.test("CLI-92: service status --vcluster shows the services of every node", () =>
  assertGolden("service_status_vcluster", {
    args: ["service", "status", "--vcluster", "ml"],
    journal: {
      fleet: {
        listNodeStates: () => ({ nodes: [node(), node({ nodeId: "node-away.invalid" })] }),
      },
    },
    agents: { "node-1": { serviceControl: () => ({ services }) } },
  }));

Deno.test("CLI-43: status NODE asks the agent while the journal is away", () =>
  assertGolden("status_partition", {
    args: ["status", "node-1"],
    agents: { "node-1": { getStatus: () => node() } },
  }));
