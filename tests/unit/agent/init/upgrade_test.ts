import assert from "node:assert/strict";
import { chooseAgent, UpgradeError } from "../../../../agent/init/mod.ts";
import { tempDir, withShim } from "../../../support/mod.ts";

Deno.test("issue 4 demand 4: PID 1 is led to the next version, and back to the installed one", async () => {
  await using dir = await tempDir();
  const link = dir.file("agent");
  await withShim(({ files }) => {
    chooseAgent(files, link, "/usr/bin/env");
    assert.equal(files.readlink(link), "/usr/bin/env");
    chooseAgent(files, link, "/usr/bin/true");
    assert.equal(files.readlink(link), "/usr/bin/true");
    chooseAgent(files, link, undefined);
    assert.equal(files.lstatIfPresent(link), null);
    chooseAgent(files, link, undefined);
  });
});

Deno.test("issue 4 demand 4: PID 1 is not led to what others than root can change", async () => {
  await using dir = await tempDir();
  const link = dir.file("agent");
  await Deno.writeTextFile(dir.file("program"), "#!/bin/sh\n", { mode: 0o755 });
  await withShim(({ files }) => {
    for (
      const [program, reason] of [
        ["usr/bin/true", /no absolute path/],
        ["/nowhere/program", /No such file/],
        ["/usr/bin", /is no file/],
        ["/etc/passwd", /not executable/],
        [dir.file("program"), /may be changed by others|is not root's/],
      ] as const
    ) {
      assert.throws(() => chooseAgent(files, link, program), (error) => {
        assert.ok(error instanceof UpgradeError, String(error));
        assert.match(error.message, reason);
        return true;
      });
    }
    assert.equal(files.lstatIfPresent(link), null);
  });
});
