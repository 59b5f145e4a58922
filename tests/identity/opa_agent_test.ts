import assert from "node:assert/strict";
import type { Client } from "@connectrpc/connect";
import { config, type shell } from "../../api/mod.ts";
import { needingPeer, repositoryRoot, waitFor } from "../support/mod.ts";
import { startOpa } from "../support/opa/mod.ts";
import { NodeRig } from "../unit/agent/calls/node_rig.ts";

/** Rules of the node's vCluster. */
const RULES = `package pact.vcluster.demo

deny contains concat(" ", ["not", input.command, concat(" ", input.args)]) if {
	input.action == "exec"
	"--all" in input.args
}

deny contains "the talker talks on" if {
	input.action == "service_stop"
	input.service_name == "talker"
}

deny contains "no looking around" if {
	input.action == "diag"
	input.principal == "carl"
}

deny contains "windows end when they end" if input.action == "extend"
`;

/** What a command printed, or why it was refused. */
async function run(
  client: Client<typeof shell.ShellService>,
  command: string,
  ...args: string[]
): Promise<string> {
  let out = "";
  try {
    for await (const { output } of client.exec({ command, args })) {
      if (output.case === "stdout") out += new TextDecoder().decode(output.value);
      if (output.case === "error") out += output.value;
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return out.trim();
}

Deno.test(
  await needingPeer(
    "opa",
    "POL-1: on a real node, what the site's rules deny is not done, and without them the degraded table holds",
  ),
  async (t) => {
    await using opa = await startOpa({
      load: [`${repositoryRoot}policies/pact`],
      modules: { "demo.rego": RULES },
    });
    await using rig = await NodeRig.open(undefined, {}, {
      policyEngine: { type: "opa", opa_endpoint: opa.endpoint },
    });
    const ben = await rig.shell({ name: "ben" });

    await t.step(
      "SHS-3: a command that the rules allow runs, and its entry says who decided",
      async () => {
        assert.equal(await run(ben, "uname", "-s"), "Linux");
        const entry = await rig.entry(
          "the command's entry",
          ({ entryType }) => entryType === config.EntryType.EXEC_LOG,
        );
        assert.match(entry.policyRef, /^opa:.+:exec$/);
      },
    );
    await t.step("OPA-4: rules see the command and its arguments", async () => {
      assert.match(await run(ben, "uname", "--all"), /not uname --all/);
    });
    await t.step("a platform admin is not bound by them (P6)", async () => {
      const ann = await rig.shell({ name: "ann", role: "pact-platform-admin" });
      assert.match(await run(ann, "uname", "--all"), /^Linux/);
    });
    await t.step("services, logs and windows", async () => {
      const stop = ben.serviceControl({ service: "talker", operation: "stop" });
      await assert.rejects(stop, /the talker talks on/);
      const carl = await rig.shell({ name: "carl" });
      const collect = async () => {
        for await (const _ of carl.collectDiag({ serviceName: "talker" })) break;
      };
      await assert.rejects(collect, /no looking around/);
      await assert.rejects(ben.extendCommitWindow({ additionalMinutes: 5 }), /windows end/);
    });
    await t.step(
      "DEG-7: while OPA is away roles decide, in a vCluster that is not regulated",
      async () => {
        await opa.stop();
        assert.match(await run(ben, "uname", "--all"), /^Linux/);
      },
    );
    await t.step(
      "DEG-6: in a regulated one nothing is changed, and what is read goes on (DEG-1)",
      async () => {
        const policies = await rig.policies();
        const before = (await ben.getStatus({})).overlayVersion;
        await policies.updatePolicy({ vclusterId: "demo", policy: { regulated: true } });
        await rig.status(({ overlayVersion }) => overlayVersion > before);
        assert.match(await run(ben, "uname", "-s"), /policy engine unavailable/);
        assert.equal((await ben.getStatus({})).nodeId, "node-1");
      },
    );
    await t.step("DEG-6: nor while the journal is away", async () => {
      await rig.site.stop("journal");
      await waitFor(async () => /policy engine unavailable/.test(await run(ben, "uname", "-s")), {
        what: "the node to decide by itself",
        timeoutMs: 20_000,
      });
      const ann = await rig.shell({ name: "ann", role: "pact-platform-admin" });
      assert.equal(await run(ann, "uname", "-s"), "Linux", "DEG-8");
      await assert.rejects(
        ben.localCommit({ message: "unseen" }),
        /policy engine unavailable/,
      );
    });
  },
);
