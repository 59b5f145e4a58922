import assert from "node:assert/strict";
import { SpawnError } from "../../../ffi/mod.ts";
import { maySysAdmin, needing, needingSysAdmin, tempDir, withShim } from "../../support/mod.ts";
import { runToEnd, shell } from "./run_to_end.ts";

const CAPABILITIES = [2, 13, 34];

Deno.test({
  ...needingSysAdmin("SHL-6: a contained program finds covered paths empty, and nobody else does"),
  fn: async () => {
    await using dir = await tempDir();
    await Deno.mkdir(dir.file("secret"));
    await Deno.writeTextFile(dir.file("secret/key"), "k");
    await Deno.writeTextFile(dir.file("shadow"), "s");
    await Deno.symlink(dir.file("shadow"), dir.file("link"));
    await withShim(async (shim) => {
      const covered = ["secret", "shadow", "absent"].map((name) => dir.file(name));
      const containment = { covered, withoutPrograms: [], capabilities: CAPABILITIES };
      const script = `ls -A ${dir.path}/secret; cat ${dir.path}/shadow ${dir.path}/link; ` +
        `umount ${dir.path}/shadow; umount -l ${dir.path}/secret; cat ${dir.path}/secret/key`;
      const { stdout, stderr } = await runToEnd(shim, shell(script, { containment }));
      assert.equal(stdout, "");
      assert.match(stderr, /secret\/key: No such file or directory/);
      assert.equal((await runToEnd(shim, shell(`cat ${dir.path}/shadow`))).stdout, "s");
    });
  },
});

Deno.test({
  ...needingSysAdmin("SHL-6: a contained program runs nothing from where people may leave files"),
  fn: async () => {
    await using dir = await tempDir();
    await Deno.copyFile("/bin/true", dir.file("mine"));
    await Deno.chmod(dir.file("mine"), 0o755);
    await withShim(async (shim) => {
      const containment = { covered: [], withoutPrograms: [dir.path], capabilities: CAPABILITIES };
      const contained = await runToEnd(shim, shell(`${dir.path}/mine`, { containment }));
      assert.deepEqual(contained.status, { kind: "exited", code: 126 });
      assert.match(contained.stderr, /Permission denied/);
      const free = await runToEnd(shim, shell(`${dir.path}/mine`));
      assert.deepEqual(free.status, { kind: "exited", code: 0 });
    });
  },
});

Deno.test({
  ...needingSysAdmin("SHL-6: nor from what is mounted below such a place, which it still sees"),
  fn: async () => {
    await using dir = await tempDir();
    const below = dir.file("below");
    await Deno.mkdir(below);
    await withShim(async (shim) => {
      const mount = `mount -t tmpfs none ${below} && cp /bin/true ${below}/mine`;
      assert.equal((await runToEnd(shim, shell(mount))).stderr, "");
      try {
        const containment = { covered: [], withoutPrograms: [dir.path], capabilities: [] };
        const script = `ls ${below}; ${below}/mine`;
        const contained = await runToEnd(shim, shell(script, { containment }));
        assert.equal(contained.stdout, "mine\n");
        assert.deepEqual(contained.status, { kind: "exited", code: 126 });
        const free = await runToEnd(shim, shell(`${below}/mine`));
        assert.deepEqual(free.status, { kind: "exited", code: 0 });
      } finally {
        await runToEnd(shim, shell(`umount ${below}`));
      }
    });
  },
});

Deno.test({
  ...needingSysAdmin(
    "SHL-6: a contained program and what it starts have the named capabilities alone",
  ),
  fn: async () => {
    await withShim(async (shim) => {
      const containment = { covered: [], withoutPrograms: [], capabilities: CAPABILITIES };
      for (const withoutClone3 of [false, true]) {
        const request = shell("sh -c 'grep -E ^Cap /proc/self/status'", {
          containment,
          noNewPrivs: true,
          withoutClone3,
        });
        const { stdout } = await runToEnd(shim, request);
        const mask = (name: string) => new RegExp(`${name}:\\t([0-9a-f]+)`).exec(stdout)?.[1];
        const expected = (2n ** 2n + 2n ** 13n + 2n ** 34n).toString(16).padStart(16, "0");
        assert.deepEqual([mask("CapBnd"), mask("CapPrm"), mask("CapEff")], [
          expected,
          expected,
          expected,
        ]);
      }
    });
  },
});

Deno.test("SHL-6: a containment that makes no sense is refused, and nothing runs", async () => {
  await withShim((shim) => {
    const containment = { covered: [], withoutPrograms: [], capabilities: [64] };
    assert.throws(
      () => shim.processes.spawn({ executable: "/bin/true", containment }),
      /capability 64/,
    );
  });
});

Deno.test({
  ...needing(
    !maySysAdmin(),
    "a process that may not mount",
    "SHL-6: without the right to mount a containment fails at its step",
  ),
  fn: async () => {
    await withShim((shim) => {
      const containment = { covered: [], withoutPrograms: [], capabilities: [] };
      assert.throws(
        () => shim.processes.spawn({ executable: "/bin/true", containment }),
        (error) => error instanceof SpawnError && error.step === "mounts",
      );
    });
  },
});
