import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";
import { setUpDeviceNodes } from "../../../../agent/hardware/device_nodes.ts";
import { DeviceRules } from "../../../../agent/hardware/device_rules.ts";
import { needing, tempDir, withShim } from "../../../support/mod.ts";

type Rule = MessageInitShape<typeof agentport.DeviceRuleSchema>;

interface Setting {
  readonly devices: string;
  readonly rules: DeviceRules;
  set(...rules: Rule[]): Promise<string[]>;
  /** `MODE UID:GID` of a node. */
  access(name: string): string;
}

async function mknod(path: string): Promise<boolean> {
  return (await new Deno.Command("mknod", { args: ["-m", "600", path, "c", "1", "3"] }).output())
    .success;
}

async function mayMakeDevices(): Promise<boolean> {
  await using dir = await tempDir();
  return await mknod(`${dir.path}/null`);
}

/** Real device nodes, in a directory of their own: null0, null1, dri/card0 and dri/renderD128. */
async function withDevices(test: (setting: Setting) => Promise<void>): Promise<void> {
  await using dir = await tempDir();
  await Deno.mkdir(`${dir.path}/dri`);
  for (const name of ["null0", "null1", "dri/card0", "dri/renderD128"]) {
    assert.ok(await mknod(`${dir.path}/${name}`));
  }
  await withShim(async (shim) => {
    const rules = new DeviceRules(shim, dir.path);
    await test({
      devices: dir.path,
      rules,
      set: (...all) => rules.set(all.map((rule) => create(agentport.DeviceRuleSchema, rule))),
      access: (name) => {
        const { mode, uid, gid } = shim.files.lstat(`${dir.path}/${name}`);
        return `${mode.toString(8)} ${uid}:${gid}`;
      },
    });
  });
}

const isPossible = await mayMakeDevices() || Deno.env.get("CI") === "true";
const deviceTest = (name: string, test: (setting: Setting) => Promise<void>) =>
  Deno.test({
    ...needing(isPossible, "root that may make devices", name),
    fn: () => withDevices(test),
  });

deviceTest(
  "CLD-3: rules set mode, owner and group by glob, below folders too",
  async ({ set, access }) => {
    const problems = await set({ glob: "null*", mode: 0o640, group: "7" }, {
      glob: "dri/renderD*",
      owner: "5",
    });
    assert.deepEqual(problems, []);
    assert.deepEqual(["null0", "null1"].map(access), ["640 0:7", "640 0:7"]);
    assert.equal(access("dri/renderD128"), "600 5:0");
    assert.equal(access("dri/card0"), "600 0:0");
  },
);

deviceTest(
  "CLD-3: the longest glob decides, for each of mode, owner and group",
  async ({ set, access }) => {
    await set({ glob: "null0", mode: 0o666 }, { glob: "*", mode: 0o600, group: "9" }, {
      glob: "null*",
      owner: "3",
    });
    assert.equal(access("null0"), "666 3:9");
    assert.equal(access("null1"), "600 3:9");
  },
);

deviceTest(
  "CLD-3: a rule that is taken back leaves what was there before it",
  async ({ set, access }) => {
    await set({ glob: "null*", mode: 0o666, owner: "3" });
    await set({ glob: "null*", mode: 0o644 });
    assert.equal(access("null0"), "644 0:0");
    await set();
    assert.equal(access("null0"), "600 0:0");
  },
);

deviceTest(
  "CLD-3: what a node is by default is not set where a rule says its mode, and is what it has afterwards",
  async ({ set, access, rules, devices }) => {
    await withShim(async ({ files }) => {
      const setUp = () => setUpDeviceNodes(files, devices, (name) => rules.saysMode(name));
      await set({ glob: "dri/*", mode: 0o640 });
      setUp();
      assert.equal(access("dri/renderD128"), "640 0:0");
      await set({ glob: "dri/*", group: "7" });
      assert.equal(access("dri/renderD128"), "666 0:7");
      await set();
      assert.equal(access("dri/renderD128"), "666 0:0");
      assert.equal(access("dri/card0"), "600 0:0");
    });
  },
);

deviceTest(
  "CLD-3: a node that comes later has its rule as well",
  async ({ set, access, rules, devices }) => {
    await set({ glob: "late*", mode: 0o660 });
    assert.ok(await mknod(`${devices}/late0`));
    rules.appeared("late0");
    assert.equal(access("late0"), "660 0:0");
    rules.appeared("gone");
  },
);

deviceTest("CLD-3: only devices are touched, and no link is followed", async ({ set, devices }) => {
  await using dir = await tempDir();
  await Deno.writeTextFile(`${dir.path}/secret`, "", { mode: 0o600 });
  await Deno.symlink(`${dir.path}/secret`, `${devices}/link0`);
  await Deno.writeTextFile(`${devices}/plain0`, "", { mode: 0o600 });
  assert.deepEqual(await set({ glob: "*", mode: 0o666 }), []);
  for (const path of [`${dir.path}/secret`, `${devices}/plain0`]) {
    assert.equal((await Deno.lstat(path)).mode ?? 0, 0o100600);
  }
});

deviceTest(
  "CLD-3: a name that nobody knows is told, and the rest of its rule holds",
  async ({ set, access }) => {
    const problems = await set({
      glob: "null0",
      mode: 0o660,
      owner: "no-such-user",
      group: "no-such-group",
    });
    assert.deepEqual(problems, [
      "null0: unknown user no-such-user",
      "null0: unknown group no-such-group",
    ]);
    assert.equal(access("null0"), "660 0:0");
  },
);
