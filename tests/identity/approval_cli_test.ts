import assert from "node:assert/strict";
import { waitFor } from "../support/mod.ts";
import { NODE, NodeRig } from "../unit/agent/calls/node_rig.ts";

const ID = /ap-[0-9a-f]{8}/;
const SPEC = `[vcluster.demo.sysctl]
"vm.no_such_key" = "10"
`;

function idIn(text: string): string {
  return ID.exec(text)?.[0] ?? assert.fail(`no approval in: ${text}`);
}

Deno.test("CLI-62, CLI-102, CLI-103: two people at two terminals: asked for, listed, refused to oneself, approved, carried out", async (test) => {
  await using rig = await NodeRig.open();
  const { site } = rig;
  for (const name of ["bo", "olga"]) await site.addPerson({ name, role: "pact-ops-demo" });
  await site.addPerson({ name: "robot", role: "pact-service-ai" });
  const policies = await rig.policies();
  await policies.updatePolicy({
    vclusterId: "demo",
    policy: { regulated: true, twoPersonApproval: true, enforcementMode: "enforce" },
  });
  await Deno.writeTextFile(`${site.directory}/change.toml`, SPEC);

  await test.step("a change of a vCluster", async () => {
    const asked = await site.pact("bo", ["apply", "change.toml"]);
    assert.equal(asked.code, 15, asked.stderr);
    const id = idIn(asked.stdout + asked.stderr);

    const listed = await site.pact("olga", ["approve", "list"]);
    assert.match(listed.stdout, new RegExp(`^${id}  vc:demo  apply   bo `, "m"));
    const shown = await site.pact("olga", ["approve", "show", id]);
    assert.match(shown.stdout, /\+ kernel: vm\.no_such_key: 10/);

    const own = await site.pact("bo", ["approve", id]);
    assert.equal(own.code, 2);
    assert.match(own.stderr, /Cannot approve your own request \(P4: self-approval denied\)/);
    const machine = await site.pact("robot", ["approve", id]);
    assert.equal(machine.code, 2, machine.stderr);
    assert.match(machine.stderr, /Access denied/);

    const approved = await site.pact("olga", ["approve", id.slice(0, 9)]);
    assert.equal(approved.code, 0, approved.stderr);
    const [, sequence = ""] = /Approved ap-\S+ Original operation applied \(seq:(\d+)\)/.exec(
      approved.stdout,
    ) ?? assert.fail(approved.stdout);
    const log = await site.pact("bo", ["log", "--from", sequence, "--to", sequence]);
    assert.match(log.stdout, /by bo .*\(approved by olga\).*policy: approved:ap-/);
    const again = await site.pact("olga", ["approve", "deny", id, "-m", "too late"]);
    assert.equal(again.code, 4, again.stderr);
    const empty = await site.pact("olga", ["approve", "list"]);
    assert.equal(empty.stdout, "(no pending approvals)\n");
  });

  await test.step("a request that is taken back", async () => {
    await Deno.writeTextFile(`${site.directory}/change.toml`, SPEC.replace("10", "20"));
    const asked = await site.pact("bo", ["apply", "change.toml"]);
    const id = idIn(asked.stdout + asked.stderr);
    const denied = await site.pact("bo", ["approve", "deny", id, "-m", "changed my mind"]);
    assert.equal(denied.stdout, `Denied ${id}. Original operation cancelled.\n`);
    assert.equal((await site.pact("olga", ["approve", id])).code, 4);
  });

  await test.step("a command on a node", async () => {
    const exec = (...more: string[]) =>
      site.pact("bo", ["exec", NODE, ...more, "--", "sysctl", "-w", "no.such.key=2"]);
    const asked = await waitFor(async () => {
      const ended = await exec();
      // Until the policy has come to the node the command is simply run.
      return ended.code === 15 && ended;
    }, { what: "the node to ask for a second person" });
    const id = idIn(asked.stderr);
    assert.match(asked.stderr, new RegExp(`run the command again with: --approval ${id}`));
    const early = await exec("--approval", id);
    assert.equal(early.code, 15);
    assert.match(early.stderr, /still pending/);
    const approved = await site.pact("olga", ["approve", id]);
    assert.match(approved.stdout, /Requester may run it within 15 minutes\./);
    const done = await exec("--approval", id);
    assert.match(done.stderr, /no\/such\/key/, "sysctl itself answers");
    const again = await exec("--approval", id);
    assert.equal(again.code, 4, again.stderr);
    assert.match(again.stderr, /was used at/);
  });
});
