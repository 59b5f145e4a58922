import assert from "node:assert/strict";
import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type { shell } from "../../api/mod.ts";
import { fromConnectError, type PactError } from "../../common/errors/mod.ts";
import { callHeaders } from "../../common/rpc/mod.ts";
import { waitFor } from "../support/mod.ts";
import { NodeRig } from "../unit/agent/calls/node_rig.ts";

type Shell = Client<typeof shell.ShellService>;

/** What a command printed, and how it ended. */
async function run(
  client: Shell,
  command: string,
  args: string[],
  approvalId?: string,
): Promise<{ readonly out: string; readonly exitCode: number | undefined }> {
  let out = "";
  let exitCode: number | undefined;
  for await (const { output } of client.exec({ command, args }, withApproval(approvalId))) {
    if (output.case === "stdout") out += new TextDecoder().decode(output.value);
    if (output.case === "error") out += output.value;
    if (output.case === "exitCode") exitCode = output.value;
  }
  return { out, exitCode };
}

function withApproval(approvalId: string | undefined) {
  return approvalId === undefined ? {} : { headers: callHeaders({ approvalId }) };
}

async function refusalOf(call: Promise<unknown>): Promise<PactError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ConnectError) return fromConnectError(error);
    throw error;
  }
  throw new Error("the call was answered, it should have been refused");
}

async function pendingId(call: Promise<unknown>): Promise<string> {
  const refusal = await refusalOf(call);
  assert.equal(refusal.code, "APPROVAL_REQUIRED", refusal.message);
  assert.match(refusal.message, /pact approve ap-[0-9a-f]{8}/);
  assert.ok(Date.parse(refusal.trailers["x-pact-approval-expires"] ?? "") > Date.now());
  return refusal.trailers["x-pact-approval-id"] ?? "";
}

async function approve(rig: NodeRig, approvalId: string): Promise<void> {
  const policies = await rig.policies();
  const answer = await policies.decideApproval({ approvalId, decision: "approved" });
  assert.equal(answer.error ?? "", "");
  assert.ok(answer.permitExpiresAt !== undefined);
}

const REGULATED = { regulated: true, twoPersonApproval: true, enforcementMode: "enforce" };

Deno.test("APR-12, ACC-P3: on a real node, commands, services and commits wait for a second person, and the permit counts once", async (test) => {
  await using rig = await NodeRig.open();
  const policies = await rig.policies();
  await policies.updatePolicy({ vclusterId: "demo", policy: REGULATED });
  const ben = await rig.shell({ name: "ben" });
  const change = ["-w", "no.such.key=2"];
  // The policy reaches the node by its subscription.
  await waitFor(async () => {
    try {
      await run(ben, "sysctl", ["-w", "no.such.key=1"]);
      return false;
    } catch (error) {
      return ConnectError.from(error).code === Code.FailedPrecondition;
    }
  }, { what: "the policy on the node" });

  await test.step("EXE-3: what only reads needs nobody", async () => {
    assert.equal((await run(ben, "uname", ["-s"])).out.trim(), "Linux");
  });

  await test.step("exec: the approved command, by who asked, with those arguments, once of many at once", async () => {
    const id = await pendingId(run(ben, "sysctl", change));
    const early = await refusalOf(run(ben, "sysctl", change, id));
    assert.equal(early.code, "APPROVAL_REQUIRED");
    await approve(rig, id);
    const others = await rig.shell({ name: "cleo" });
    for (
      const [what, call] of [
        ["another person", () => run(others, "sysctl", change, id)],
        ["other arguments", () => run(ben, "sysctl", ["-w", "no.such.key=3"], id)],
        ["another command", () => run(ben, "umount", ["/nowhere"], id)],
      ] as const
    ) {
      assert.equal((await refusalOf(call())).code, "PERMISSION_DENIED", what);
    }
    const uses = await Promise.allSettled(
      Array.from({ length: 4 }, () => run(ben, "sysctl", change, id)),
    );
    assert.equal(uses.filter(({ status }) => status === "fulfilled").length, 1);
    assert.equal((await refusalOf(run(ben, "sysctl", change, id))).code, "APPROVAL_CLOSED");
    const logged = await waitFor(
      async () => (await rig.entries()).find(({ policyRef }) => policyRef === `approved:${id}`),
      { what: "the entry of the command" },
    );
    assert.equal(logged.author?.principal, "ben");
    assert.equal(JSON.parse(logged.message).approval, id);
  });

  await test.step("service: the restart that was approved, and no other one", async () => {
    const restart = { service: "base", operation: "restart" };
    const id = await pendingId(ben.serviceControl(restart));
    await approve(rig, id);
    const stop = ben.serviceControl({ service: "base", operation: "stop" }, withApproval(id));
    assert.equal((await refusalOf(stop)).code, "PERMISSION_DENIED");
    const { services } = await ben.serviceControl(restart, withApproval(id));
    assert.equal(services[0]?.name, "base");
    const again = ben.serviceControl(restart, withApproval(id));
    assert.equal((await refusalOf(again)).code, "APPROVAL_CLOSED");
  });

  await test.step("commit: the changes that were approved, and none that came later", async () => {
    const motd = `${rig.root}/etc/motd`;
    await Deno.writeTextFile(motd, "first\n");
    await rig.status((status) => status.configState === "Drifted");
    const commit = { message: "say hello" };
    const rejected = await pendingId(ben.localCommit(commit));
    // WIN-8: the clock stands still while a second person is waited for, and no longer.
    await rig.status((status) => status.windowDeadline === undefined);
    await policies.decideApproval({ approvalId: rejected, decision: "rejected" });
    await rig.status((status) => status.windowDeadline !== undefined);
    const id = await pendingId(ben.localCommit(commit));
    const shown = await policies.listPendingApprovals({ approvalId: id });
    assert.match(shown.approvals[0]?.proposedChange?.files[0]?.path ?? "", /\/etc\/motd$/);
    await approve(rig, id);
    await Deno.writeTextFile(motd, "second\n");
    await waitFor(
      async () =>
        (await refusalOf(ben.localCommit(commit, withApproval(id)))).code ===
          "PERMISSION_DENIED",
      { what: "the later change to be seen" },
    );
    await Deno.writeTextFile(motd, "first\n");
    const answer = await waitFor(async () => {
      try {
        return await ben.localCommit(commit, withApproval(id));
      } catch {
        return undefined;
      }
    }, { what: "the approved change to be seen again" });
    assert.equal(answer.policyRef, `approved:${id}`);
  });

  await test.step("DEG-5, APR-4: without a journal nothing waits: it is denied", async () => {
    await rig.site.stop("journal");
    await waitFor(async () => {
      const refusal = await refusalOf(run(ben, "sysctl", change));
      return /two-person approval unavailable in degraded mode/.test(refusal.message);
    }, { what: "the node to notice" });
    const commit = await refusalOf(ben.serviceControl({ service: "base", operation: "stop" }));
    assert.equal(commit.code, "POLICY_DENIED");
    assert.equal(commit.message, "two-person approval unavailable during partition");
  });
});
