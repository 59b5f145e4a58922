import assert from "node:assert/strict";
import { journalOf, nodeState } from "./fixtures.ts";
import { stage } from "./scenario.ts";

const encode = (text: string) => new TextEncoder().encode(text);

/** An agent whose programs write this much to standard output. */
function writing(text: string) {
  return {
    async *exec() {
      for (let start = 0; start < text.length; start += 10_000) {
        yield {
          output: { case: "stdout" as const, value: encode(text.slice(start, start + 10_000)) },
        };
      }
      yield { output: { case: "exitCode" as const, value: 0 } };
    },
  };
}

Deno.test("MCP-45, SAF-9: long output keeps head and tail within the bound", async () => {
  await using on = await stage({
    journal: journalOf(nodeState("node-1")),
    agents: { "node-1": writing(`HEAD${"x".repeat(300_000)}TAIL\n`) },
    env: { PACT_MCP_MAX_OUTPUT: "8192" },
  });
  const { text } = await on.client.call("pact_exec", { node: "node-1", command: "dmesg" });
  assert.ok(encode(text).length <= 8192);
  assert.match(text, /^\[node-1\] dmesg\n--- begin output ---\nHEADx/);
  assert.match(text, /\[truncated, \d+ bytes omitted\]/);
  assert.match(text, /xTAIL\n--- end output ---\n\(exit code: 0\)$/);
});

Deno.test("SAF-3: the eleventh execution in a minute is refused, and not sent", async () => {
  await using on = await stage({
    journal: journalOf(nodeState("node-1")),
    agents: { "node-1": writing("ok\n") },
  });
  for (let call = 0; call < 10; call++) {
    const { isError } = await on.client.call("pact_exec", { node: "node-1", command: "uptime" });
    assert.equal(isError, false);
  }
  const { text, isError } = await on.client.call("pact_exec", {
    node: "node-1",
    command: "uptime",
  });
  assert.equal(isError, true);
  assert.match(text, /^Error: rate limited, retry in \d+s$/);
  assert.equal(on.agents.get("node-1")?.calls.length, 10);
});

Deno.test("SAF-12: a repeated identical commit carries the same request id", async () => {
  const { config, fleet } = journalOf();
  await using on = await stage({
    journal: { fleet, config: { ...config, appendEntry: () => ({ sequence: 5n }) } },
  });
  for (const message of ["one", "one", "two"]) {
    await on.client.call("pact_commit", { scope: "vc:ml", message });
  }
  const ids = on.journal?.calls.map(({ header }) => header.get("x-pact-request-id")) ?? [];
  assert.equal(ids[0], ids[1]);
  assert.notEqual(ids[1], ids[2]);
});

Deno.test("SAF-11: a read-only server hides and refuses what changes something", async () => {
  await using on = await stage({
    journal: journalOf(nodeState("node-1")),
    env: { PACT_MCP_READ_ONLY: "true" },
  });
  const { result } = await on.client.request("tools/list");
  assert.doesNotMatch(JSON.stringify(result), /pact_commit|pact_exec/);
  const { text } = await on.client.call("pact_commit", { scope: "vc:ml", message: "x" });
  assert.match(text, /^Error: pact_commit changes things and this server only reads/);
  assert.deepEqual(on.journal?.calls, []);
});

Deno.test("SAF-11: only listed tools are shown and run", async () => {
  await using on = await stage({
    journal: journalOf(nodeState("node-1")),
    env: { PACT_MCP_TOOLS: "pact_status, pact_log" },
  });
  const { result } = await on.client.request("tools/list");
  assert.deepEqual(
    [...JSON.stringify(result).matchAll(/"name":"(\w+)"/g)].map(([, name]) => name),
    ["pact_status", "pact_log"],
  );
  assert.equal((await on.client.call("pact_status")).isError, false);
  const { text } = await on.client.call("pact_diff", { node: "node-1" });
  assert.match(text, /^Error: pact_diff is not among this server's tools/);
});

Deno.test("MCP-14: the token shows nowhere, not even in an answer that repeats it", async () => {
  await using on = await stage({
    journal: journalOf(nodeState("node-1")),
    agents: { "node-1": writing("the token is s3cr3t-of-the-server\n") },
    env: { PACT_MCP_TOKEN: "s3cr3t-of-the-server", PACT_LOG: "debug" },
  });
  const { text, structured } = await on.client.call("pact_exec", { node: "node-1", command: "x" });
  assert.match(text, /the token is \*\*\*/);
  assert.doesNotMatch(JSON.stringify(structured), /s3cr3t/);
  assert.doesNotMatch(on.client.stderr, /s3cr3t/);
});
