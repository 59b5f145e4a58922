import assert from "node:assert/strict";
import { COALESCE_MS } from "../../../../agent/observer/coalesce.ts";
import { waitFor } from "../../../support/mod.ts";
import { observing, type Scene } from "./scene.ts";

/** Lets another process do something to a declared file and waits for exactly one event of it. */
async function noticedOnce(scene: Scene, path: string, script: string) {
  const of = () => scene.events.filter((event) => event.path === path);
  const before = of().length;
  await scene.run("sh", "-c", script);
  await waitFor(() => of().length > before, { timeoutMs: 5_000, what: script });
  assert.equal(of().length, before + 1, script);
  return of().at(-1);
}

Deno.test("OBS-4: an edit in place, by replacement, of the mode and a removal are each one change", () =>
  observing({}, async (scene) => {
    const path = `${scene.root}/motd`;
    Deno.writeTextFileSync(path, "declared\n");
    scene.observer.observe(["/motd"]);
    const edited = await noticedOnce(scene, "/motd", `echo edited > ${path}`);
    assert.deepEqual([edited?.category, edited?.detail], ["files", "written"]);
    const replaced = `echo new > ${path}.swp; mv ${path}.swp ${path}`;
    assert.equal((await noticedOnce(scene, "/motd", replaced))?.detail, "moved here");
    assert.equal(
      (await noticedOnce(scene, "/motd", `chmod 600 ${path}`))?.detail,
      "attributes changed",
    );
    assert.equal((await noticedOnce(scene, "/motd", `rm ${path}`))?.detail, "removed");
    await noticedOnce(scene, "/motd", `echo back > ${path}`);
  }));

Deno.test("OBS-5: a burst of writes to one file is told once for each time of gathering", () =>
  observing({}, async (scene) => {
    scene.observer.observe(["/motd"]);
    const script = `i=0; while [ $i -lt 200 ]; do echo $i > ${scene.root}/motd; i=$((i+1)); done`;
    const beginMs = performance.now();
    await scene.run("sh", "-c", script);
    // Its news come in the order of the writes, so all of the burst is told when this is.
    scene.observer.observe(["/motd", "/after"]);
    await noticedOnce(scene, "/after", `echo done > ${scene.root}/after`);
    const gatherings = Math.ceil((performance.now() - beginMs) / COALESCE_MS);
    const told = scene.events.filter(({ path }) => path === "/motd").length;
    assert.ok(told >= 1 && told <= gatherings, `${told} events in ${gatherings} gatherings`);
  }));

Deno.test("files that are neither declared nor below a root are no concern of the observer's", () =>
  observing({}, async (scene) => {
    scene.observer.observe(["/motd"]);
    await scene.run("sh", "-c", `echo noise > ${scene.root}/other`);
    // Its news come before these, in the order in which the kernel told them.
    await noticedOnce(scene, "/motd", `echo edited > ${scene.root}/motd`);
    assert.deepEqual(scene.events.filter(({ path }) => path === "/other"), []);
  }));

Deno.test("a directory that is not there yet is left to scans, and watched once it is", () =>
  observing({}, async (scene) => {
    scene.observer.observe(["/later/conf", "/motd"]);
    assert.equal(scene.observer.unwatched.length, 1);
    Deno.mkdirSync(`${scene.root}/later`);
    await noticedOnce(scene, "/motd", `echo edited > ${scene.root}/motd`);
    assert.deepEqual(scene.observer.unwatched, []);
    await noticedOnce(scene, "/later/conf", `echo edited > ${scene.root}/later/conf`);
  }));

Deno.test("a directory that is made anew is watched anew, moved away it is not", () =>
  observing({}, async (scene) => {
    const directory = `${scene.root}/later`;
    Deno.mkdirSync(directory);
    Deno.writeTextFileSync(`${directory}/conf`, "declared\n");
    scene.observer.observe(["/later/conf", "/motd"]);
    const remake = ["rm -r $0; mkdir $0", "mv $0 $0.away; mkdir $0"];
    for (const script of remake) {
      await scene.run("sh", "-c", script, directory);
      await scene.eventOf("files", "/later/conf");
      await noticedOnce(scene, "/motd", `echo edited > ${scene.root}/motd`);
      assert.deepEqual(scene.observer.unwatched, []);
      await noticedOnce(scene, "/later/conf", `echo edited > ${directory}/conf`);
    }
    const before = scene.events.length;
    await scene.run("sh", "-c", `echo edited > ${directory}.away/conf`);
    await noticedOnce(scene, "/motd", `echo edited > ${scene.root}/motd`);
    assert.equal(scene.events.length, before + 1);
  }));

Deno.test("what is no longer declared is no longer watched", () =>
  observing({}, async (scene) => {
    scene.observer.observe(["/motd"]);
    scene.observer.observe(["/issue"]);
    await scene.run("sh", "-c", `echo edited > ${scene.root}/motd`);
    await noticedOnce(scene, "/issue", `echo edited > ${scene.root}/issue`);
    assert.deepEqual(scene.events.filter(({ path }) => path === "/motd"), []);
  }));

Deno.test("OBS-4: below a root everything is seen, in directories that come later too, but noise", () =>
  observing(
    { watchPaths: ["/etc"], noise: (path) => path.startsWith("/etc/cache") },
    async (scene) => {
      const etc = `${scene.root}/etc`;
      await noticedBelowRoot(scene, `${etc}/hosts`, "/etc/hosts");
      // The file is there before anybody can watch its directory.
      await scene.run("sh", "-c", `mkdir -p ${etc}/a/b; echo x > ${etc}/a/b/early`);
      await scene.eventOf("files", "/etc/a/b/early");
      await noticedBelowRoot(scene, `${etc}/a/b/late`, "/etc/a/b/late");
      await scene.run("sh", "-c", `mkdir ${etc}/cache; echo x > ${etc}/cache/noise`);
      await scene.run("mv", `${etc}/a`, `${scene.root}/gone`);
      await scene.run("sh", "-c", `echo x > ${scene.root}/gone/b/late`);
      await noticedBelowRoot(scene, `${etc}/last`, "/etc/last");
      const paths = new Set(scene.events.map(({ path }) => path));
      assert.ok(![...paths].some((path) => path.startsWith("/etc/cache/")), [...paths].join());
      assert.ok(!paths.has("/gone/b/late"));
    },
  ));

Deno.test("OBS-5: a storm is looked at as one, and what comes after it is heard again", () =>
  observing({ watchPaths: ["/etc"] }, async (scene) => {
    await noticedBelowRoot(scene, `${scene.root}/etc/hosts`, "/etc/hosts");
    // All of them are there before the first is told of.
    for (let file = 0; file < 2_000; file++) {
      Deno.writeTextFileSync(`${scene.root}/etc/${file}`, "");
    }
    await waitFor(() => scene.rescans() > 0, {
      timeoutMs: 30_000,
      what: "the look after the storm",
    });
    await noticedBelowRoot(scene, `${scene.root}/etc/after`, "/etc/after");
  }));

/** The root is looked into in its own time: writes until that is over. */
async function noticedBelowRoot(scene: Scene, file: string, path: string): Promise<void> {
  const seen = () => scene.events.some((event) => event.path === path);
  await waitFor(async () => {
    await scene.run("sh", "-c", `echo x >> ${file}`);
    return seen();
  }, { timeoutMs: 10_000, what: path });
}
