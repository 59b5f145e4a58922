import assert from "node:assert/strict";
import { ERROR_CODES, type ErrorCode } from "../../../common/errors/mod.ts";
import { enrolled, refuse } from "./fixtures.ts";
import { assertGolden, runScenario, testToken } from "./harness.ts";
import { TEST_NOW } from "./memory_host.ts";

/** Section 2 of the command line's contract, by the code a server states. */
const EXIT_CODES: Readonly<Record<number, readonly ErrorCode[]>> = {
  1: ["NOT_FOUND", "NO_EMERGENCY", "ACTIVE_SESSIONS", "PRECONDITION", "UNIMPLEMENTED"],
  2: ["UNAUTHENTICATED", "PERMISSION_DENIED", "IDENTITY_MISMATCH", "SELF_APPROVAL"],
  3: ["POLICY_DENIED", "INVALID_ARGUMENT"],
  4: ["CONFLICT", "EMERGENCY_ACTIVE", "WINDOW_EXPIRED", "APPROVAL_CLOSED"],
  5: ["NO_QUORUM", "NO_LEADER", "SHUTTING_DOWN", "UNAVAILABLE", "DEADLINE"],
  7: ["MERGE_CONFLICT"],
  8: ["TTL_OUT_OF_BOUNDS"],
  9: ["PROMOTE_CONFLICT"],
  10: ["ACTIVE_CONSUMERS"],
  11: ["NODE_NOT_ENROLLED"],
  12: ["NODE_REVOKED"],
  13: ["NODE_ALREADY_ENROLLED", "HARDWARE_IDENTITY_CONFLICT", "ALREADY_ACTIVE"],
  14: ["RATE_LIMITED", "RESOURCE_EXHAUSTED"],
  15: ["APPROVAL_REQUIRED"],
  99: ["INTERNAL", "DATA_CORRUPT"],
};

for (const [exitCode, codes] of Object.entries(EXIT_CODES)) {
  for (const code of codes) {
    Deno.test(`ACC-C2: ${code} exits ${exitCode}`, async () => {
      const outcome = await runScenario({
        args: ["--output", "json", "enroll", "node-1", "--mac", "aa:bb:cc:dd:ee:01"],
        journal: { enrollment: { registerNode: refuse(code, `${code}: as the test says`) } },
      });
      assert.equal(outcome.code, Number(exitCode));
      assert.equal(outcome.stdout, "");
      const { error } = JSON.parse(outcome.stderr);
      assert.equal(error.code, code);
      assert.equal(error.exit_code, outcome.code);
    });
  }
}

Deno.test("CLI-13: without the trailer the gRPC status decides", () => {
  assert.equal(Object.keys(ERROR_CODES).length > 30, true);
  return assertGolden("error_internal", {
    args: ["group", "list"],
    journal: {
      fleet: {
        listVClusters: () => {
          throw new Error("secret detail of the server");
        },
      },
    },
  });
});

Deno.test("ACC-C7: a viewer's commit exits 2 with the reason", () =>
  assertGolden("error_access_denied", {
    args: ["commit", "-m", "x", "--vcluster", "ml"],
    journal: {
      config: {
        appendEntry: refuse(
          "PERMISSION_DENIED",
          "PERMISSION_DENIED: role pact-viewer-ml may not commit",
        ),
      },
    },
  }));

Deno.test("ACC-C7: a stopped journal exits 5", () =>
  assertGolden("error_journal_down", { args: ["status"] }));

Deno.test("CLI-14: merge conflict, TTL, promote and rate texts come from the server as they are", () =>
  assertGolden("error_merge_conflict", {
    args: ["commit", "-m", "x", "--node", "node-1"],
    journal: { enrollment: enrolled },
    agents: {
      "node-1": {
        localCommit: refuse(
          "MERGE_CONFLICT",
          "Merge conflict on node node-1: keys kernel:vm.swappiness differ from journal",
        ),
      },
    },
  }));

Deno.test("CLI-14: RATE_LIMITED says when to retry", () =>
  assertGolden("error_rate_limited", {
    args: ["enroll", "node-1", "--mac", "aa:bb:cc:dd:ee:01"],
    journal: {
      enrollment: {
        registerNode: refuse("RATE_LIMITED", "RATE_LIMITED", { "retry-after-ms": "1500" }),
      },
    },
  }));

Deno.test("CLI-20: no token exits 2", () =>
  assertGolden("error_no_token", { args: ["status"], journal: {}, env: { PACT_TOKEN: "" } }));

Deno.test("CLI-20: an expired token fails before anything is sent", async () => {
  const scenario = {
    args: ["status"],
    journal: {},
    env: { PACT_TOKEN: testToken({ exp: TEST_NOW / 1000 - 1 }) },
  };
  const { journalCalls } = await runScenario(scenario);
  assert.deepEqual(journalCalls, []);
  await assertGolden("error_token_expired", scenario);
});

Deno.test("CLI-12: usage errors exit 1 and name the nearest command or option", async () => {
  await assertGolden("usage_unknown_command", { args: ["statsu"] });
  await assertGolden("usage_unknown_option", { args: ["log", "--scop", "global"] });
  await assertGolden("usage_nothing", { args: [] });
});

Deno.test("CLI-9: Ctrl-C cancels the running call and exits 130", async () => {
  const interrupt = new AbortController();
  const outcome = await runScenario({
    args: ["status"],
    signal: interrupt.signal,
    journal: {
      fleet: {
        async listNodeStates(_, { signal }) {
          interrupt.abort();
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          return {};
        },
      },
    },
  });
  assert.equal(outcome.code, 130);
  assert.equal(outcome.stdout, "");
});

Deno.test("a node that is enrolled already is named in a sentence and exits 13", () =>
  assertGolden("error_already_enrolled", {
    args: ["enroll", "node-1", "--mac", "aa:bb:cc:dd:ee:01"],
    journal: {
      enrollment: {
        registerNode: refuse("NODE_ALREADY_ENROLLED", "NODE_ALREADY_ENROLLED: node-1"),
      },
    },
  }));
