import assert from "node:assert/strict";
import { createBackups, type Dimension, filesDimension } from "../../../../agent/apply/mod.ts";
import type { Target } from "../../../../agent/drift/mod.ts";
import { type Shim, ShimError } from "../../../../ffi/mod.ts";
import { needing, tempDir, withShim } from "../../../support/mod.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const declared = (content: string, rest: { mode?: number; owner?: string } = {}): Target => ({
  state: "present",
  value: { kind: "file", content: bytes(content), ...rest },
});

interface Scene {
  readonly root: string;
  readonly files: Dimension;
  readonly shim: Shim;
  keysThatDiffer(targets: Record<string, Target>): Promise<string[]>;
}

async function scene(
  test: (scene: Scene) => Promise<void>,
  change: (shim: Shim) => Partial<Parameters<typeof filesDimension>[0]> = () => ({}),
): Promise<void> {
  await using dir = await tempDir();
  await withShim(async (shim) => {
    const root = dir.path;
    const files = filesDimension({
      files: shim.files,
      users: shim.users,
      root,
      effectiveUid: shim.system.ids().effectiveUid,
      backups: createBackups({
        files: shim.files,
        directory: `${root}/run/pact/state/rollback`,
        wallMs: () => Date.now(),
      }),
      wallMs: () => Date.now(),
      ...change(shim),
    });
    await test({
      root,
      files,
      shim,
      keysThatDiffer: async (targets) => {
        const map = new Map(Object.entries(targets));
        return (await files.diff(map, await files.observe(map.keys()))).map(({ key }) => key);
      },
    });
  });
}

Deno.test("APL-4: a declared file is written with its mode, and missing directories are made", () =>
  scene(async ({ root, files, keysThatDiffer }) => {
    const targets = { "/etc/app/motd": declared("hello\n", { mode: 0o640 }) };
    assert.deepEqual(await keysThatDiffer(targets), ["/etc/app/motd"]);
    const [outcome] = await files.apply([{
      key: "/etc/app/motd",
      target: targets["/etc/app/motd"],
    }]);
    assert.equal(outcome?.result, "done");
    assert.equal(await Deno.readTextFile(`${root}/etc/app/motd`), "hello\n");
    assert.equal(((await Deno.stat(`${root}/etc/app/motd`)).mode ?? 0) & 0o7777, 0o640);
    assert.deepEqual(await keysThatDiffer(targets), []);
  }));

Deno.test("DRIFT-1: an edit, a chmod and a removal by hand each differ, and not once undone", () =>
  scene(async ({ root, files, keysThatDiffer }) => {
    const targets = { "/motd": declared("hello\n", { mode: 0o644 }) };
    await files.apply([{ key: "/motd", target: targets["/motd"] }]);
    await Deno.writeTextFile(`${root}/motd`, "changed\n");
    assert.deepEqual(await keysThatDiffer(targets), ["/motd"]);
    await Deno.writeTextFile(`${root}/motd`, "hello\n");
    assert.deepEqual(await keysThatDiffer(targets), []);
    await Deno.chmod(`${root}/motd`, 0o600);
    assert.deepEqual(await keysThatDiffer(targets), ["/motd"]);
    await Deno.chmod(`${root}/motd`, 0o644);
    await Deno.remove(`${root}/motd`);
    assert.deepEqual(await keysThatDiffer(targets), ["/motd"]);
  }));

Deno.test("RBK-1, RBK-2: reverting restores content and mode, and keeps what it overwrites", () =>
  scene(async ({ root, files, keysThatDiffer }) => {
    const targets = { "/motd": declared("hello\n", { mode: 0o644 }) };
    await files.apply([{ key: "/motd", target: targets["/motd"] }]);
    await Deno.writeTextFile(`${root}/motd`, "the work of an afternoon\n");
    await Deno.chmod(`${root}/motd`, 0o777);
    const [outcome] = await files.revert([{ key: "/motd", target: targets["/motd"] }]);
    assert.ok(outcome?.result === "done" && outcome.backup !== undefined);
    assert.equal(await Deno.readTextFile(outcome.backup), "the work of an afternoon\n");
    assert.equal(((await Deno.stat(outcome.backup)).mode ?? 0) & 0o7777, 0o600);
    assert.equal(await Deno.readTextFile(`${root}/motd`), "hello\n");
    assert.equal(((await Deno.stat(`${root}/motd`)).mode ?? 0) & 0o7777, 0o644);
    assert.deepEqual(await keysThatDiffer(targets), []);
  }));

Deno.test("APL-4: a file of which only the hash is declared is verified, never written", () =>
  scene(async ({ root, files, keysThatDiffer }) => {
    const hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const target: Target = { state: "present", value: { kind: "file", contentHash: hash } };
    await Deno.writeTextFile(`${root}/bin`, "hello");
    assert.deepEqual(await keysThatDiffer({ "/bin": target }), []);
    await Deno.writeTextFile(`${root}/bin`, "other");
    assert.deepEqual(await files.apply([{ key: "/bin", target }]), [{
      key: "/bin",
      result: "failed",
      reason: "the content differs and only its hash is declared",
    }]);
    assert.equal(await Deno.readTextFile(`${root}/bin`), "other");
  }));

Deno.test("APL-5: pact's own files, private keys and kernel files are not manageable", () =>
  scene(async ({ root, files }) => {
    const refused = [
      "/run/pact/state/x",
      "/etc/pact/agent.toml",
      "/etc/pact/tls/node.key",
      "/proc/sys/vm/swappiness",
      "/sys/power/state",
      "/etc/../run/pact/x",
      "/etc//motd",
      "relative",
      "/",
    ];
    const target = declared("x");
    const outcomes = await files.apply(refused.map((key) => ({ key, target })));
    for (const outcome of outcomes) {
      assert.equal(outcome.result, "unavailable", outcome.key);
      assert.equal(outcome.result === "unavailable" && outcome.reason, "path not manageable");
    }
    assert.deepEqual([...Deno.readDirSync(root)], []);
  }));

Deno.test("APL-6: a failing file does not stop the others", () =>
  scene(async ({ root, files }) => {
    await Deno.mkdir(`${root}/taken/below`, { recursive: true });
    await Deno.writeTextFile(`${root}/plain`, "");
    const outcomes = await files.apply([
      { key: "/taken", target: declared("x") },
      { key: "/plain/below", target: declared("x") },
      { key: "/fine", target: declared("x") },
    ]);
    assert.deepEqual(outcomes.map(({ result }) => result), ["failed", "failed", "done"]);
    const [first] = outcomes;
    assert.equal(
      first?.result === "failed" && first.reason,
      "a directory is in the place of the file",
    );
  }));

Deno.test("OBS-4: a link in the place of a file differs; it is replaced, its target untouched", () =>
  scene(async ({ root, files, keysThatDiffer }) => {
    await Deno.writeTextFile(`${root}/elsewhere`, "same");
    await Deno.symlink(`${root}/elsewhere`, `${root}/motd`);
    const targets = { "/motd": declared("same") };
    assert.deepEqual(await keysThatDiffer(targets), ["/motd"]);
    await files.revert([{ key: "/motd", target: targets["/motd"] }]);
    assert.equal((await Deno.lstat(`${root}/motd`)).isFile, true);
    assert.equal(await Deno.readTextFile(`${root}/elsewhere`), "same");
  }));

Deno.test("JRN-11: a file committed as removed must not be there", () =>
  scene(async ({ root, files, keysThatDiffer }) => {
    await Deno.writeTextFile(`${root}/motd`, "back again");
    const target: Target = { state: "absent" };
    assert.deepEqual(await keysThatDiffer({ "/motd": target }), ["/motd"]);
    await files.apply([{ key: "/motd", target }]);
    assert.deepEqual(await keysThatDiffer({ "/motd": target }), []);
    await assert.rejects(Deno.stat(`${root}/motd`), Deno.errors.NotFound);
  }));

Deno.test("APL-2: a file that is no longer declared gets back what was there before", () =>
  scene(async ({ root, files }) => {
    await Deno.writeTextFile(`${root}/motd`, "ours");
    await files.release([{ key: "/motd", original: declared("the image's") }]);
    assert.equal(await Deno.readTextFile(`${root}/motd`), "the image's");
    await files.release([{ key: "/motd", original: undefined }]);
    assert.equal(await Deno.readTextFile(`${root}/motd`), "the image's");
    await files.release([{ key: "/motd", original: { state: "absent" } }]);
    await assert.rejects(Deno.stat(`${root}/motd`), Deno.errors.NotFound);
  }));

Deno.test("CTX-5: without root another owner is named as what could not be done", () =>
  scene(async ({ root, files, keysThatDiffer }) => {
    const targets = { "/motd": declared("x", { owner: "4242:4242" }) };
    const [outcome] = await files.apply([{ key: "/motd", target: targets["/motd"] }]);
    assert.equal(outcome?.result, "done");
    assert.equal(await Deno.readTextFile(`${root}/motd`), "x");
    assert.deepEqual(await keysThatDiffer(targets), []);
    const limited = await files.limitations(new Map(Object.entries(targets)));
    assert.equal(
      limited.get("/motd"),
      "owner 4242:4242 not set: only root may, this agent runs as uid 1000",
    );
  }, () => ({ effectiveUid: 1000 })));

Deno.test({
  ...needing(
    Deno.uid() === 0,
    "root",
    "APL-4: as root the declared owner is set, by number or by name",
  ),
  fn: () =>
    scene(async ({ root, files, keysThatDiffer }) => {
      const targets = { "/motd": declared("x", { owner: "4242:4343", mode: 0o644 }) };
      await files.apply([{ key: "/motd", target: targets["/motd"] }]);
      const stat = await Deno.stat(`${root}/motd`);
      assert.deepEqual([stat.uid, stat.gid], [4242, 4343]);
      await Deno.chown(`${root}/motd`, 0, 0);
      assert.deepEqual(await keysThatDiffer(targets), ["/motd"]);
      await files.revert([{ key: "/motd", target: targets["/motd"] }]);
      assert.equal((await Deno.stat(`${root}/motd`)).uid, 4242);
      const unknown = declared("x", { owner: "nobody-has-this-name" });
      const [outcome] = await files.apply([{ key: "/other", target: unknown }]);
      assert.equal(
        outcome?.result === "failed" && outcome.reason,
        "unknown user nobody-has-this-name",
      );
    }),
});

Deno.test("CTX-5: an unreadable file is unavailable with the reason, and no drift", () =>
  scene(
    async ({ files, root }) => {
      await Deno.writeTextFile(`${root}/secret`, "x");
      const observed = await files.observe(["/secret"]);
      assert.deepEqual(observed.get("/secret"), {
        state: "unavailable",
        reason: "permission denied",
      });
      const targets = new Map([["/secret", declared("y")]]);
      assert.deepEqual(await files.diff(targets, observed), []);
      const [outcome] = await files.apply([{ key: "/secret", target: declared("y") }]);
      assert.equal(outcome?.result, "unavailable");
    },
    // Root reads everything, so the refusal is put in front of the real files.
    (shim) => ({
      files: {
        ...shim.files,
        read: (path) => {
          throw ShimError.of("EACCES", "open", path);
        },
      },
    }),
  ));
