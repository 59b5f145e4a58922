/**
 * pact-mcp beside a real journal and a real agent, asked by the official client, which holds every
 * structured answer against the tool's own schema.
 */
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { z } from "zod";
import { openSite, type Site } from "../support/site/mod.ts";
import { waitFor } from "../support/mod.ts";

const ResultSchema = z.object({
  content: z.tuple([z.object({ type: z.literal("text"), text: z.string() })]),
  isError: z.boolean().optional(),
  structuredContent: z.record(z.string(), z.unknown()).optional(),
});

const NODE = "node-1";

/** A site of one node with one service, and an assistant's client. */
async function openFleet(): Promise<{ site: Site; client: Client } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const site = stack.use(await openSite());
  await site.startJournal();
  await site.addPerson({ name: "ana", role: "pact-platform-admin" });
  await site.addPerson({ name: "assistant", role: "pact-service-ai" });
  const spec = `${site.directory}/cluster.toml`;
  await Deno.writeTextFile(
    spec,
    `[vcluster.demo.files]
"/etc/motd" = { content = "Welcome.\\n", mode = "0644" }
[vcluster.demo.services.keeper]
binary = "/bin/sleep"
args = ["86400"]
`,
  );
  await asAna(site, ["enroll", NODE, "--hardware-id", site.hardwareId(NODE), "--vcluster", "demo"]);
  await asAna(site, ["apply", spec, "-m", "first light"]);
  await site.startAgent(NODE, { baseWindowSeconds: 3600 });
  // The newest version of those in MCP-5: the first whose results carry data beside the text.
  const client = new Client({ name: "pact-test", version: "1.0.0" }, {
    supportedProtocolVersions: ["2025-06-18"],
  });
  await client.connect(new StdioClientTransport(site.mcpCommand("assistant")));
  stack.defer(() => client.close());
  const owned = stack.move();
  return { site, client, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function asAna(site: Site, args: readonly string[]): Promise<void> {
  const { success, stdout, stderr } = await site.pact("ana", args);
  assert.ok(success, `pact ${args.join(" ")}: ${stdout}${stderr}`);
}

async function call(client: Client, name: string, input: Record<string, unknown> = {}) {
  const result = ResultSchema.parse(await client.callTool({ name, arguments: input }));
  const { content: [{ text }], isError = false, structuredContent } = result;
  return { text, isError, structured: structuredContent };
}

Deno.test("demand 9: an assistant looks at a real node, and changes it only where the policy lets it", async (t) => {
  await using fleet = await openFleet();
  const { site, client } = fleet;

  await t.step("the tools are listed with schemas", async () => {
    const { tools } = await client.listTools();
    assert.equal(tools.length, 8);
    assert.ok(tools.every(({ inputSchema, outputSchema }) => inputSchema && outputSchema));
  });

  await t.step("MCP-40: pact_status shows the node once it is there", async () => {
    const text = await waitFor(async () => {
      const { text } = await call(client, "pact_status", { node: NODE });
      return /State: COMMITTED[^]*1\/1 running/.test(text) ? text : undefined;
    }, { timeoutMs: 20_000, what: "the node to be committed" });
    assert.match(text, /^Node: node-1 {2}vCluster: demo/);
  });

  await t.step("MCP-48: pact_service_status asks the agent", async () => {
    const { text } = await call(client, "pact_service_status");
    assert.match(text, /node-1\s+keeper\s+Running\s+\d+/);
  });

  await t.step("MCP-41: pact_diff shows an edit by hand", async () => {
    await Deno.writeTextFile(`${site.nodeRoot(NODE)}/etc/motd`, "edited\n");
    const text = await waitFor(async () => {
      const { text } = await call(client, "pact_diff", { node: NODE });
      return text.includes("/etc/motd") ? text : undefined;
    }, { timeoutMs: 20_000, what: "the drift" });
    assert.match(text, /--- begin output ---\nfiles: \/etc\/motd: declared .*, actual /);
  });

  await t.step("MCP-60, ACC-M4: the site has not allowed it to run programs", async () => {
    const { text, isError } = await call(client, "pact_exec", { node: NODE, command: "uname" });
    assert.equal(isError, true);
    assert.match(text, /^Denied: AI exec not authorized for vCluster 'demo' .*\(policy: \S+\)$/);
  });

  await t.step("MCP-60, ACC-M5: nor to commit, on the node or for the vCluster", async () => {
    for (const scope of [`node:${NODE}`, "vc:demo"]) {
      const { text, isError } = await call(client, "pact_commit", { scope, message: "mine" });
      assert.equal(isError, true);
      assert.match(text, /^Denied: AI agent cannot perform action: commit \(policy: \S+\)$/);
    }
  });

  await t.step("ACC-M4, ACC-M5: with leave and a role binding it may", async () => {
    const policy = `${site.directory}/policy.toml`;
    await Deno.writeTextFile(
      policy,
      `ai_exec_allowed = true
base_commit_window_seconds = 3600
[[role_bindings]]
role = "pact-service-ai"
principals = ["assistant"]
allowed_actions = ["commit", "exec"]
`,
    );
    await asAna(site, ["group", "set-policy", "demo", policy]);
    const exec = await waitFor(async () => {
      const outcome = await call(client, "pact_exec", {
        node: NODE,
        command: "uname",
        args: ["-s"],
      });
      return outcome.isError ? undefined : outcome;
    }, { timeoutMs: 20_000, what: "the policy to reach the agent" });
    assert.match(exec.text, /--- begin output ---\nLinux\n--- end output ---\n\(exit code: 0\)$/);
    const commit = await call(client, "pact_commit", { scope: `node:${NODE}`, message: "keep it" });
    assert.equal(commit.isError, false, commit.text);
    assert.match(commit.text, /^Committed \(seq:\d+\) on node:node-1 {2}policy: \S+$/);
  });

  await t.step("MCP-42, MCP-11: the log says who did it", async () => {
    const { text, structured } = await call(client, "pact_log", {
      scope: `node:${NODE}`,
      entry_types: ["commit"],
    });
    assert.match(text, /COMMIT {2}node:node-1 {2}by assistant {2}\[keep it\]/);
    assert.match(JSON.stringify(structured), /"role":"pact-service-ai"/);
  });

  await t.step("MCP-22, MCP-23: without the journal the agent still answers", async () => {
    await site.stop("journal");
    const status = await call(client, "pact_status");
    assert.deepEqual([status.text, status.isError], ["Error: not connected to journal", true]);
    const services = await call(client, "pact_service_status", { node: NODE });
    assert.match(services.text, /keeper\s+Running/);
  });

  await t.step("MCP-20: and when the journal is back, so are the tools", async () => {
    await site.startJournal();
    const isBack = async () => {
      // Calls are counted, so they are not made as fast as a test can.
      await new Promise((resolve) => setTimeout(resolve, 250));
      return !(await call(client, "pact_status")).isError;
    };
    await waitFor(isBack, { timeoutMs: 15_000, what: "the journal to be found again" });
  });
});
