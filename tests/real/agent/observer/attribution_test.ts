import assert from "node:assert/strict";
import { describeActor } from "../../../../agent/observer/mod.ts";
import { maySysAdmin, needing, needingSysAdmin } from "../../../support/mod.ts";
import { observing } from "./scene.ts";

const CI = Deno.env.get("CI") === "true";

function isFirstPidNamespace(): boolean {
  return maySysAdmin() && Deno.readLinkSync("/proc/self/ns/pid") === "pid:[4026531836]";
}

Deno.test({
  ...needingSysAdmin("OBS-11: a change carries the process that made it, with user and program"),
  fn: () =>
    observing({}, async (scene) => {
      assert.deepEqual(scene.observer.unavailable.filter((text) => text.includes("fanotify")), []);
      scene.observer.observe(["/motd"]);
      // It lives until the event is there: nothing needs to be remembered.
      const child = new Deno.Command("sh", {
        args: ["-c", `echo changed > ${scene.root}/motd; read -r _`],
        stdin: "piped",
      }).spawn();
      const { actor, source } = await scene.eventOf("files", "/motd");
      await child.stdin.close();
      await child.status;
      assert.equal(source, "fanotify");
      assert.deepEqual(
        [actor?.pid, actor?.comm, actor?.uid, actor?.confidence],
        [child.pid, "sh", 0, "certain"],
      );
      assert.equal(actor?.parents?.[0], "deno");
      assert.ok(actor && describeActor(actor).startsWith(`sh (pid ${child.pid}, uid 0`));
      assert.deepEqual(scene.observer.actorOf("files:/motd"), actor);
    }),
});

Deno.test({
  ...needing(
    CI || isFirstPidNamespace(),
    "root in the first PID namespace",
    "OBS-12: a program that is gone before its event is read is known by the proc connector",
  ),
  fn: () =>
    observing({}, async (scene) => {
      scene.observer.observe(["/motd"]);
      Deno.writeTextFileSync(`${scene.root}/motd`, "declared\n");
      for (let round = 0; round < 20; round++) {
        const pid = await scene.run("chmod", round % 2 === 0 ? "600" : "644", `${scene.root}/motd`);
        await scene.eventOf("files", "/motd");
        const actor = scene.observer.actorOf("files:/motd");
        assert.equal(actor?.pid, pid);
        // Where even exec's news came too late it is said so, and nothing made up.
        if (actor?.comm === "chmod") return;
        assert.notEqual(actor?.confidence, "certain");
      }
      assert.fail("twenty programs, and none was known by its name");
    }),
});

Deno.test({
  ...needingSysAdmin("OBS-14: what the agent itself changes is put down to nobody"),
  fn: () =>
    observing({}, async (scene) => {
      scene.observer.observe(["/motd"]);
      Deno.writeTextFileSync(`${scene.root}/motd`, "by the agent\n");
      assert.equal((await scene.eventOf("files", "/motd")).actor, undefined);
      assert.equal(scene.observer.actorOf("files:/motd"), undefined);
    }),
});

Deno.test({
  ...needingSysAdmin(
    "OBS-11: on a file system without handles a write has its process, and is one event",
  ),
  fn: () =>
    observing({ withoutHandles: true }, async (scene) => {
      scene.observer.observe(["/motd"]);
      const child = new Deno.Command("sh", {
        args: ["-c", `echo changed > ${scene.root}/motd; read -r _`],
        stdin: "piped",
      }).spawn();
      const { actor, detail } = await scene.eventOf("files", "/motd");
      await child.stdin.close();
      await child.status;
      assert.deepEqual([actor?.pid, actor?.comm, detail], [child.pid, "sh", "written"]);
      assert.equal(scene.events.filter(({ path }) => path === "/motd").length, 1);
    }),
});
