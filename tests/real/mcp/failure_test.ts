import assert from "node:assert/strict";
import { TOOLS } from "../../../mcp/mod.ts";
import { startScriptedJournal, waitFor } from "../../support/mod.ts";
import { drifted, journalOf, nodeState, refuse } from "../../unit/mcp/fixtures.ts";
import { aiToken, pki, stage, tokenOf } from "../../unit/mcp/scenario.ts";

/** Arguments with which each tool would reach a server. */
const reaching: readonly (readonly [tool: string, args: Readonly<Record<string, unknown>>])[] = [
  ["pact_status", {}],
  ["pact_status", { node: "node-1" }],
  ["pact_log", {}],
  ["pact_query_fleet", {}],
  ["pact_service_status", { vcluster: "ml" }],
  ["pact_diff", { node: "node-1", committed: true }],
  ["pact_commit", { scope: "vc:ml", message: "note" }],
];

Deno.test("MCP-22: without a journal each tool that needs it says so", async () => {
  await using on = await stage({});
  for (const [tool, args] of reaching) {
    const { text, isError } = await on.client.call(tool, args);
    assert.deepEqual([text, isError], ["Error: not connected to journal", true], tool);
  }
});

Deno.test("MCP-22: an agent that does not answer is told from the journal", async () => {
  await using on = await stage({
    journal: journalOf(nodeState("node-1")),
    agents: { "node-1": null },
  });
  for (
    const [tool, args] of [
      ["pact_diff", { node: "node-1" }],
      ["pact_exec", { node: "node-1", command: "uptime" }],
      ["pact_service_status", { node: "node-1" }],
      ["pact_commit", { scope: "node:node-1", message: "x" }],
    ] as const
  ) {
    const { text, isError } = await on.client.call(tool, args);
    assert.deepEqual([text, isError], ["Error: not connected to agent", true], tool);
  }
});

Deno.test("MCP-23, CLI-43: with the journal away an agent is asked all the same", async () => {
  await using on = await stage({ agents: { "node-2": { getStatus: () => drifted } } });
  const { text, isError } = await on.client.call("pact_diff", { node: "node-2" });
  assert.equal(isError, false);
  assert.match(text, /vm\.swappiness: declared 10, actual 60/);
});

Deno.test("SAF-6: nothing is committed on a node in an emergency, or while the journal is away", async () => {
  const agents = { "node-1": { localCommit: () => ({ sequence: 9n }) } };
  const commit = { scope: "node:node-1", message: "x" };
  await using inEmergency = await stage({
    journal: journalOf(nodeState("node-1", { emergencySession: "em-1" })),
    agents,
  });
  assert.equal(
    (await inEmergency.client.call("pact_commit", commit)).text,
    "Error: scope is in emergency mode; AI writes are suspended",
  );
  await using alone = await stage({ agents });
  assert.equal(
    (await alone.client.call("pact_commit", commit)).text,
    "Error: not connected to journal",
  );
  for (const { agents } of [inEmergency, alone]) {
    assert.deepEqual(agents.get("node-1")?.calls, []);
  }
});

Deno.test("MCP-23: an agent whose certificate names another node gets no token", async () => {
  await using other = await stage({ agents: { "node-2": { getStatus: () => drifted } } });
  const url = other.agents.get("node-2")?.url;
  await using on = await stage({
    journal: journalOf(nodeState("node-1")),
    env: { PACT_AGENT_ENDPOINTS: `node-1=${url}` },
  });
  const { text, isError } = await on.client.call("pact_diff", { node: "node-1" });
  assert.equal(isError, true);
  assert.match(text, /^Error: cannot trust https:/);
  assert.deepEqual(other.agents.get("node-2")?.calls, []);
});

Deno.test("MCP-13: without a token tools say so, the list is complete and a warning is logged", async () => {
  await using on = await stage({
    journal: journalOf(nodeState("node-1")),
    env: { PACT_MCP_TOKEN: "" },
  });
  await waitFor(() => on.client.stderr.includes("WARN"), { what: "the warning" });
  for (const [tool, args] of reaching) {
    const { text, isError } = await on.client.call(tool, args);
    assert.deepEqual([text, isError], ["Error: not authenticated — set PACT_MCP_TOKEN", true]);
  }
  const { result } = await on.client.request("tools/list");
  assert.equal(JSON.stringify(result).match(/"name":"pact_/g)?.length, TOOLS.length);
  assert.deepEqual(on.journal?.calls, []);
});

Deno.test("MCP-8: wrong arguments are told before anything is sent", async () => {
  await using on = await stage({ journal: journalOf() });
  for (
    const [tool, args, text] of [
      ["pact_exec", { command: "uptime" }, "Error: node ID required"],
      ["pact_exec", { node: "n1" }, "Error: command required"],
      ["pact_commit", { scope: "vc:ml" }, "Error: commit message required"],
      ["pact_commit", { message: "x" }, "Error: scope required"],
      [
        "pact_exec",
        { node: 5, command: "x" },
        "Error: node: invalid input: expected string, received number",
      ],
      ["pact_emergency", {}, "Error: action required (start/end)"],
      ["pact_diff", {}, "Error: node required"],
      ["pact_log", { limit: 3 }, "Error: limit: unknown argument"],
    ] as const
  ) {
    assert.deepEqual((await on.client.call(tool, args)).text, text);
  }
  assert.deepEqual(on.journal?.calls, []);
});

Deno.test("MCP-60, ACC-M5: what the role may not do is refused by the servers and shown with the reason", async () => {
  await using on = await stage({
    journal: {
      ...journalOf(nodeState("node-1")),
      config: {
        ...journalOf(nodeState("node-1")).config,
        appendEntry: refuse("PERMISSION_DENIED", "AI agent cannot perform action: commit"),
      },
    },
    agents: {
      "node-1": {
        exec: refuse(
          "POLICY_DENIED",
          "AI exec not authorized for vCluster 'ml' (set ai_exec_allowed in policy)",
          { "x-pact-policy-ref": "opa:pol-9:exec" },
        ),
      },
    },
  });
  const commit = await on.client.call("pact_commit", { scope: "vc:ml", message: "x" });
  assert.deepEqual(
    [commit.text, commit.isError],
    ["Denied: AI agent cannot perform action: commit (policy: rbac:denied:commit)", true],
  );
  const exec = await on.client.call("pact_exec", { node: "node-1", command: "nvidia-smi" });
  assert.deepEqual(
    [exec.text, exec.isError],
    [
      "Denied: AI exec not authorized for vCluster 'ml' (set ai_exec_allowed in policy) " +
      "(policy: opa:pol-9:exec)",
      true,
    ],
  );
});

Deno.test("MCP-11, ACC-M4: calls carry the token and the name for the audit record", async () => {
  await using on = await stage({
    journal: journalOf(nodeState("node-1")),
    env: { PACT_MCP_NAME: "night-watch" },
  });
  await on.client.call("pact_status");
  const header = on.journal?.calls[0]?.header;
  assert.equal(header?.get("authorization"), `Bearer ${aiToken}`);
  assert.match(header?.get("x-pact-client") ?? "", /^service\/ai-agent\/night-watch /);
});

Deno.test("MCP-24: an agent that is slow is given up on after the time asked for", async () => {
  await using on = await stage({
    journal: journalOf(nodeState("node-1")),
    agents: {
      "node-1": {
        async *exec(_request, { signal }) {
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          yield {};
        },
      },
    },
  });
  const { text, isError } = await on.client.call("pact_exec", {
    node: "node-1",
    command: "sleep",
    timeout_seconds: 1,
  });
  assert.deepEqual([text, isError], ["Error: timeout after 1s", true]);
});

Deno.test("MCP-20, ACC-M8: calls fail while the journal is down and succeed once it is back", async () => {
  const script = journalOf(nodeState("node-1"));
  await using on = await stage({ journal: script });
  assert.equal((await on.client.call("pact_status")).isError, false);
  const port = on.journal?.port;
  await on.journal?.[Symbol.asyncDispose]();
  assert.equal((await on.client.call("pact_status")).text, "Error: not connected to journal");
  await using _back = await startScriptedJournal(await pki(), script, port);
  const isBack = async () => {
    // Calls are counted, so they are not made as fast as a test can.
    await new Promise((resolve) => setTimeout(resolve, 250));
    return !(await on.client.call("pact_status")).isError;
  };
  await waitFor(isBack, { timeoutMs: 10_000, what: "the journal to be found again" });
});

Deno.test("MCP-10: a person's token is refused at the start, unless it is allowed", async () => {
  const token = tokenOf({ sub: "alice@example.org", pact_role: "pact-platform-admin" });
  await using refused = await stage({ env: { PACT_MCP_TOKEN: token }, protocolVersion: null });
  const { code, stderr } = await refused.client.ended();
  assert.equal(code, 1);
  assert.match(stderr, /Error: pact-mcp requires a pact-service-ai token/);
  assert.equal(stderr.includes(token), false);
  await using allowed = await stage({
    env: { PACT_MCP_TOKEN: token, PACT_MCP_ALLOW_HUMAN_TOKEN: "true" },
  });
  await allowed.client.request("ping");
});
