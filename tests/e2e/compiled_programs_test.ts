import assert from "node:assert/strict";
import { compileAll } from "../../tools/compile/mod.ts";
import { openSite } from "../support/site/mod.ts";
import { tempDir } from "../support/mod.ts";

Deno.test("compile: the bundled journal and agent do their work, their workers included", async () => {
  await using compiled = await tempDir();
  await compileAll(compiled.path, { form: "launcher" });
  await using site = await openSite({ bundles: compiled.file("lib") });
  await site.startJournal();
  await site.addPerson({ name: "ana", role: "pact-platform-admin" });
  const asAna = async (...args: string[]) => {
    const { success, stdout, stderr } = await site.pact("ana", args);
    assert.ok(success, `pact ${args.join(" ")}: ${stdout}${stderr}${site.logs()}`);
    return stdout;
  };
  await asAna("enroll", "node-1", "--hardware-id", site.hardwareId("node-1"), "--vcluster", "demo");
  await site.startAgent("node-1");
  assert.match(await asAna("status"), /node-1 +demo +\S+ +Active/);
  assert.equal(await asAna("exec", "node-1", "--", "uname", "-s"), "Linux\n");
});
