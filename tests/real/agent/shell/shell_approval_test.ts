import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { type Client, ConnectError } from "@connectrpc/connect";
import { shell } from "../../../../api/mod.ts";
import { fromConnectError, type PactError } from "../../../../common/errors/mod.ts";
import { callHeaders } from "../../../../common/rpc/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { NodeRig } from "../../../unit/agent/calls/node_rig.ts";

/** Opens a shell, runs `uname` in it, and leaves. */
async function uname(
  client: Client<typeof shell.ShellService>,
  approvalId?: string,
): Promise<{ shown: string; exitCode: number | undefined } | PactError> {
  async function* input() {
    yield create(shell.ShellInputSchema, { input: { case: "open", value: {} } });
    const value = new TextEncoder().encode("uname -s\nexit 4\n");
    yield create(shell.ShellInputSchema, { input: { case: "stdin", value } });
  }
  const options = approvalId === undefined ? {} : { headers: callHeaders({ approvalId }) };
  let shown = "";
  let exitCode: number | undefined;
  try {
    for await (const { output } of client.shell(input(), options)) {
      if (output.case === "stdout") shown += new TextDecoder().decode(output.value);
      if (output.case === "exitCode") exitCode = output.value;
    }
    return { shown, exitCode };
  } catch (error) {
    if (error instanceof ConnectError) return fromConnectError(error);
    throw error;
  }
}

Deno.test("SHL-3, APR-12: in a regulated vCluster a second person opens each shell, once", async () => {
  await using rig = await NodeRig.open();
  const policies = await rig.policies();
  const policy = { regulated: true, twoPersonApproval: true, enforcementMode: "enforce" };
  await policies.updatePolicy({ vclusterId: "demo", policy });
  const ben = await rig.shell({ name: "ben" });
  // The policy reaches the node by its subscription.
  const pending = await waitFor(async () => {
    const answer = await uname(ben);
    return "code" in answer ? answer : undefined;
  }, { what: "the policy on the node" });
  assert.equal(pending.code, "APPROVAL_REQUIRED", pending.message);
  const id = pending.trailers["x-pact-approval-id"] ?? "";
  assert.match(id, /^ap-[0-9a-f]{8}$/);

  const answer = await policies.decideApproval({ approvalId: id, decision: "approved" });
  assert.equal(answer.error ?? "", "");
  const others = await uname(await rig.shell({ name: "cleo" }), id);
  assert.equal("code" in others && others.code, "PERMISSION_DENIED");
  const opened = await uname(ben, id);
  assert.ok("shown" in opened, JSON.stringify(opened));
  assert.match(opened.shown, /Linux/);
  assert.equal(opened.exitCode, 4);
  const again = await uname(ben, id);
  assert.equal("code" in again && again.code, "APPROVAL_CLOSED");
  await rig.entry(
    "the start",
    ({ message, policyRef }) =>
      message.includes('"event":"start"') && policyRef === `approved:${id}`,
  );
});
