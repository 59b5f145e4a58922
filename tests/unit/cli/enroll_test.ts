import assert from "node:assert/strict";
import type { enrollment } from "../../../api/mod.ts";
import { PactError } from "../../../common/errors/mod.ts";
import { runScenario } from "./harness.ts";

const UUID = "4c4c4544-0042-3010-8036-c7c04f4d3232";

const CSV = `# the first rack
node_id,mac,bmc_serial,smbios_uuid,vcluster
n1,02:00:00:00:00:01,B1,,ml
n2,02:00:00:00:00:02,,${UUID}

n3,02:00:00:00:00:03,"B,3"
`;

/** Answers a batch: `n3` is there already. */
function registering(seen: enrollment.RegisterNodeRequest[]) {
  return {
    enrollment: {
      batchRegisterNodes: ({ nodes }: enrollment.BatchRegisterNodesRequest) => {
        seen.push(...nodes);
        const results = nodes.map(({ nodeId }) =>
          nodeId === "n3"
            ? {
              nodeId,
              success: false,
              error: "NODE_ALREADY_ENROLLED: n3",
              errorCode: "NODE_ALREADY_ENROLLED",
            }
            : { nodeId, success: true, enrollmentState: "Registered" }
        );
        return { results, succeeded: nodes.length - 1, failed: 1 };
      },
    },
  };
}

Deno.test("CLI-114: a CSV file registers its nodes in one call and says what became of each", async () => {
  for (const command of [["enroll"], ["node", "enroll"]]) {
    const seen: enrollment.RegisterNodeRequest[] = [];
    const outcome = await runScenario({
      args: [...command, "--batch", "DIR/rack.csv", "--vcluster", "sim"],
      files: { "rack.csv": CSV },
      journal: registering(seen),
    });
    assert.equal(
      outcome.stdout.trim().split("\n").join("|"),
      [
        "n1: Registered",
        "n2: Registered",
        "n3: ERROR NODE_ALREADY_ENROLLED: n3",
        "2 succeeded, 1 failed",
      ].join("|"),
    );
    assert.equal(outcome.code, 13, "the class of the first failure");
    assert.deepEqual(seen.map(({ vclusterId }) => vclusterId), ["ml", "sim", "sim"]);
    assert.equal(seen[1]?.hardwareIdentity?.extra["smbios_uuid"], UUID);
    assert.equal(seen[2]?.hardwareIdentity?.bmcSerial, "B,3");
  }
});

Deno.test("CLI-114: a file that cannot be read in full sends nothing and names the line", async () => {
  const wrong: [string, RegExp][] = [
    ["", /is empty/],
    ["node_id,mac\nn1,02:00:00:00:00:01\n", /rack.csv:1: no column bmc_serial/],
    ["node_id,mac,bmc_serial,color\n", /rack.csv:1: unknown column 'color'/],
    ["node_id,mac,bmc_serial\nn1,02:00:00:00:00:01,B1,x\n", /rack.csv:2: 4 values for 3 columns/],
    ["node_id,mac,bmc_serial\n\n# c\nn1,,\n", /rack.csv:4: a node needs a hardware identity/],
    ["node_id,mac,bmc_serial\nn1,02:00:00:00:00:01,\nn1,02:00:00:00:00:02,\n", /rack.csv:3: n1 /],
  ];
  for (const [text, expected] of wrong) {
    const seen: enrollment.RegisterNodeRequest[] = [];
    const { code, stderr } = await runScenario({
      args: ["enroll", "--batch", "DIR/rack.csv"],
      files: { "rack.csv": text },
      journal: registering(seen),
    });
    assert.equal(code, 1);
    assert.match(stderr, expected);
    assert.deepEqual(seen, []);
  }
});

Deno.test("CLI-116: decommission says what was revoked; open sessions need --force or a yes", async () => {
  const asked: boolean[] = [];
  const journal = {
    enrollment: {
      decommissionNode: ({ nodeId, force }: enrollment.DecommissionNodeRequest) => {
        asked.push(force);
        if (!force) {
          throw new PactError(
            "ACTIVE_SESSIONS",
            "2 active session(s) on this node — use --force to terminate",
          );
        }
        return {
          nodeId,
          enrollmentState: "Revoked",
          sessionsTerminated: 2,
          certSerialRevoked: "4af1",
        };
      },
    },
  };
  const args = ["node", "decommission", "n1"];
  const refused = await runScenario({ args, journal });
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /2 active session\(s\) on this node — use --force to terminate/);
  const done = await runScenario({ args: [...args, "--force", "-m", "sold"], journal });
  assert.equal(done.code, 0);
  assert.equal(
    done.stdout,
    "Decommissioned node n1 — state: Revoked\n  Certificate revoked: 4af1\n  Sessions terminated: 2\n",
  );
  assert.deepEqual(asked.splice(0), [false, true]);
  const yes = await runScenario({ args, journal, terminal: true, stdin: "y\n" });
  assert.equal(yes.code, 0, yes.stderr);
  assert.deepEqual(asked.splice(0), [false, true]);
  const no = await runScenario({ args, journal, terminal: true, stdin: "n\n" });
  assert.equal(no.code, 1);
  assert.deepEqual(asked, [false]);
});

Deno.test("pact enroll status shows what is registered, as pact node list and inspect do", async () => {
  const journal = {
    enrollment: {
      listNodes: () => ({ nodes: [{ nodeId: "n1", enrollmentState: "Registered" }] }),
      inspectNode: () => ({ nodeId: "n1", enrollmentState: "Active", certSerial: "4af1" }),
    },
  };
  const all = await runScenario({ args: ["enroll", "status"], journal });
  assert.match(all.stdout, /^NODE ID.*\n-{90}\nn1 +Registered/);
  const one = await runScenario({ args: ["enroll", "status", "n1"], journal });
  assert.match(one.stdout, /Enrollment State: +Active/);
  const neither = await runScenario({ args: ["node", "enroll"], journal });
  assert.equal(neither.code, 1);
  assert.match(neither.stderr, /NODE, or --batch FILE/);
});
