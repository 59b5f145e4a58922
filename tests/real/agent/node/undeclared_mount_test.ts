import assert from "node:assert/strict";
import { waitFor } from "../../../support/mod.ts";
import { inNetworkNamespace } from "../../../support/network/mod.ts";
import { NODE, NodeRig } from "../../../unit/agent/calls/node_rig.ts";

const SCRATCH = "/mnt/scratch";

async function run(program: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args }).output();
  assert.ok(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

async function mount(rig: NodeRig, path: string): Promise<void> {
  await Deno.mkdir(rig.root + path, { recursive: true });
  await run("mount", "-t", "tmpfs", "-o", "size=1m,noexec", "work", rig.root + path);
}

/** What services mount as they start is theirs, and is no drift: waits until that time is over. */
async function servicesSettled(rig: NodeRig): Promise<void> {
  const client = await rig.shell();
  const isDrifted = async () => (await client.getStatus({})).configState === "Drifted";
  let attempt = 0;
  await waitFor(async () => {
    const place = `/mnt/attempt-${++attempt}`;
    await mount(rig, place);
    const limits = { timeoutMs: 3_000, what: "drift" };
    const isSeen = await waitFor(isDrifted, limits).catch(() => false);
    if (isSeen) await run("umount", rig.root + place);
    return isSeen;
  }, { timeoutMs: 30_000, what: "a mount that is drift" });
  await rig.status(({ configState }) => configState === "Committed");
}

inNetworkNamespace(import.meta.url, () => {
  Deno.test("OBS-9: an undeclared mount of a node is shown as drift, and can be committed", async (t) => {
    await run("ip", "link", "set", "lo", "up");
    await using rig = await NodeRig.open(undefined, { isBaselineEnabled: true });
    await using _mounts = { [Symbol.asyncDispose]: () => run("umount", "-R", `${rig.root}/mnt`) };
    await Deno.mkdir(`${rig.root}/mnt`, { recursive: true });
    await run("mount", "--bind", `${rig.root}/mnt`, `${rig.root}/mnt`);
    await servicesSettled(rig);
    const drifted = () =>
      rig.status(({ driftItems }) =>
        driftItems?.mounts.some(({ path }) => path === SCRATCH) === true
      );
    const committed = () => rig.status(({ configState }) => configState === "Committed");

    await t.step(
      "what is mounted by hand is shown, and no drift once it is unmounted",
      async () => {
        await mount(rig, SCRATCH);
        assert.equal((await drifted()).configState, "Drifted");
        assert.match(await rig.pact("diff", NODE), /\/mnt\/scratch/);
        await rig.entry("the drift", ({ message }) => message === `drift: mounts:${SCRATCH}`);
        await run("umount", rig.root + SCRATCH);
        await committed();
      },
    );

    await t.step("committed it is declared, and held against that", async () => {
      await mount(rig, SCRATCH);
      await drifted();
      await rig.pact("commit", "--node", NODE, "-m", "Room to work");
      await committed();
      const { stateDelta } = await rig.entry(
        "the commit",
        ({ message }) => message === "Room to work",
      );
      assert.deepEqual(
        stateDelta?.mounts.map(({ path, declared }) => [path, declared?.fsType, declared?.source]),
        [[SCRATCH, "tmpfs", "work"]],
      );
      await run("umount", rig.root + SCRATCH);
      await drifted();
      await mount(rig, SCRATCH);
      await committed();
    });
  });
}, ["mount", "umount", "ip"]);
