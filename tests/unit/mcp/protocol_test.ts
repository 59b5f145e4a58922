import assert from "node:assert/strict";
import { z } from "zod";
import { VERSION } from "../../../common/version/mod.ts";
import { waitFor } from "../../support/mod.ts";
import { journalOf, nodeState } from "./fixtures.ts";
import { assertGolden } from "./golden.ts";
import type { McpClient } from "./mcp_client.ts";
import { stage } from "./scenario.ts";

/** Sends each line, waits for `answers` lines more than before, and writes down both directions. */
async function transcript(
  client: McpClient,
  exchanges: readonly (readonly [line: string, answers: number])[],
): Promise<string> {
  const written: string[] = [];
  for (const [line, answers] of exchanges) {
    const before = client.lines.length;
    await client.sendLine(line);
    await waitFor(() => client.lines.length === before + answers, {
      what: `${answers} answer(s) to ${line}`,
    });
    written.push(`--> ${line}`, ...client.lines.slice(before).map((answer) => `<-- ${answer}`));
  }
  return `${written.join("\n").replaceAll(`"version":"${VERSION}"`, '"version":"VERSION"')}\n`;
}

Deno.test("ACC-M1: the protocol is spoken as the transcript says", async () => {
  await using on = await stage({ journal: journalOf(nodeState("node-1")), protocolVersion: null });
  const initialize = {
    protocolVersion: "2024-11-05",
    capabilities: {},
    clientInfo: { name: "test", version: "1" },
  };
  const text = await transcript(on.client, [
    [JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params: initialize }), 1],
    ['{"jsonrpc":"2.0","method":"notifications/initialized"}', 0],
    ['{"jsonrpc":"2.0","id":2,"method":"ping"}', 1],
    [
      '{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"pact_status","arguments":{"node":"node-1"}}}',
      1,
    ],
    [
      '{"jsonrpc":"2.0","id":"four","method":"tools/call","params":{"name":"pact_emergency","arguments":{"action":"end"}}}',
      1,
    ],
    ["", 0],
    ["{not json", 1],
    ['{"jsonrpc":"2.0","id":5,"method":"resources/list"}', 1],
    ['{"jsonrpc":"2.0","id":6,"method":"tools/call"}', 1],
    [
      '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"pact_status","arguments":[]}}',
      1,
    ],
    ['{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{"name":"pact_reboot"}}', 1],
    ['[{"jsonrpc":"2.0","id":9,"method":"ping"}]', 1],
    ['{"id":10,"method":"ping"}', 1],
    ['{"jsonrpc":"2.0","method":"tools/list"}', 0],
    ['{"jsonrpc":"2.0","id":11,"method":"notifications/cancelled","params":{"requestId":99}}', 0],
    ['{"jsonrpc":"2.0","id":12,"result":{}}', 0],
    ['{"jsonrpc":"2.0","id":13,"method":"ping"}', 1],
  ]);
  await assertGolden("protocol.txt", text);
  const { code } = await on.client.end();
  assert.equal(code, 0, "MCP-7: the end of input ends it well");
});

Deno.test("MCP-30, MCP-32: the list of tools is the golden one", async () => {
  await using on = await stage({});
  const { result } = await on.client.request("tools/list");
  await assertGolden("tools.json", `${JSON.stringify(result, null, 2)}\n`);
});

Deno.test("MCP-5: a known version is echoed, any other becomes 2024-11-05", async () => {
  for (
    const [proposed, agreed] of [
      ["2024-11-05", "2024-11-05"],
      ["2025-03-26", "2025-03-26"],
      ["2025-06-18", "2025-06-18"],
      ["2099-01-01", "2024-11-05"],
    ] as const
  ) {
    await using on = await stage({ protocolVersion: null });
    const reply = await on.client.initialize(proposed);
    const { result } = z.object({ result: z.object({ protocolVersion: z.string() }) }).parse(reply);
    assert.equal(result.protocolVersion, agreed);
  }
});

Deno.test("MCP-5: data beside the text is for clients of 2025-06-18 alone", async () => {
  for (const [version, expected] of [["2025-03-26", false], ["2025-06-18", true]] as const) {
    await using on = await stage({
      journal: journalOf(nodeState("node-1")),
      protocolVersion: version,
    });
    const { structured } = await on.client.call("pact_status");
    assert.equal(structured !== undefined, expected);
  }
});

Deno.test("MCP-2: a line above 4 MiB is refused and thrown away, the next one is served", async () => {
  await using on = await stage({});
  await on.client.sendLine(`{"jsonrpc":"2.0","id":50,"method":"${"x".repeat(5 * 1024 * 1024)}"}`);
  const reply = await on.client.replyTo(null);
  assert.deepEqual(reply["error"], { code: -32600, message: "message too long" });
  await on.client.request("ping");
});

Deno.test("MCP-7: a cancelled call ends at the agent and yields no answer", async () => {
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  await using on = await stage({
    journal: journalOf(nodeState("node-1")),
    agents: {
      "node-1": {
        async *exec(_request, { signal }) {
          started.resolve();
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
          ended.resolve();
          yield {};
        },
      },
    },
  });
  const call = { name: "pact_exec", arguments: { node: "node-1", command: "sleep" } };
  await on.client.sendLine(
    JSON.stringify({ jsonrpc: "2.0", id: 77, method: "tools/call", params: call }),
  );
  await started.promise;
  await on.client.sendLine(
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":77}}',
  );
  await ended.promise;
  await on.client.request("ping");
  assert.equal(on.client.replies().some(({ id }) => id === 77), false);
});

Deno.test("MCP-7: calls that run at the end of input are answered before the process ends", async () => {
  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const { config, fleet } = journalOf(nodeState("node-1"));
  await using on = await stage({
    journal: {
      config,
      fleet: {
        async listNodeStates(request) {
          asked.resolve();
          await release.promise;
          return fleet.listNodeStates(request);
        },
      },
    },
  });
  const call = { name: "pact_status" };
  await on.client.sendLine(
    JSON.stringify({ jsonrpc: "2.0", id: 78, method: "tools/call", params: call }),
  );
  await asked.promise;
  const end = on.client.end();
  release.resolve();
  assert.equal((await end).code, 0);
  assert.ok(on.client.replies().some(({ id }) => id === 78));
});

Deno.test("MCP-7: at most eight calls run at once, the others wait for their turn", async () => {
  let running = 0;
  let most = 0;
  const { config, fleet } = journalOf(nodeState("node-1"));
  await using on = await stage({
    journal: {
      config,
      fleet: {
        async listNodeStates(request) {
          most = Math.max(most, ++running);
          await new Promise((resolve) => setTimeout(resolve, 20));
          running--;
          return fleet.listNodeStates(request);
        },
      },
    },
  });
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () => on.client.call("pact_status")),
  );
  assert.equal(outcomes.every(({ isError }) => !isError), true);
  assert.equal(most, 8);
});
