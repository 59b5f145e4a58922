import assert from "node:assert/strict";
import { buildProbe, ShimBuildError } from "../../../ffi/build/mod.ts";
import { maySysAdmin, needing, within } from "../../support/mod.ts";

const CI = Deno.env.get("CI") === "true";

async function probeProgram(): Promise<string | undefined> {
  if (!maySysAdmin() && !CI) return undefined;
  try {
    return (await buildProbe()).path;
  } catch (error) {
    if (!(error instanceof ShimBuildError) || CI) throw error;
    return undefined;
  }
}

const program = await probeProgram() ?? "";
const probing = (name: string) => needing(program !== "", "root, clang and libbpf", name);

Deno.test({
  ...probing("OBS-12: without rights pact-probe says in a line why there are no probes"),
  fn: async () => {
    // Where a user without rights may run it, unlike a working copy of root's.
    const path = await Deno.makeTempFile();
    try {
      await Deno.copyFile(program, path);
      await Deno.chmod(path, 0o755);
      const { code, stderr } = await new Deno.Command(path, { args: ["1", "/x"], uid: 65534 })
        .output();
      assert.equal(code, 1);
      assert.match(new TextDecoder().decode(stderr), /^[^\n]*Operation not permitted[^\n]*\n$/);
    } finally {
      await Deno.remove(path);
    }
  },
});

Deno.test({
  ...probing("pact-probe without its arguments says how it is used"),
  fn: async () => {
    const { code, stderr } = await new Deno.Command(program).output();
    assert.equal(code, 2);
    assert.match(new TextDecoder().decode(stderr), /^usage: pact-probe /);
  },
});

Deno.test({
  ...probing(
    "pact-probe has no rights left once its probes are in place, and ends with its reader",
  ),
  fn: async () => {
    const child = new Deno.Command(program, { args: ["1", "/x"], stdout: "piped" }).spawn();
    try {
      const reader = child.stdout.getReader();
      // It is at work when it tells of something.
      await within(reader.read(), { timeoutMs: 30_000, what: "the first record" });
      const read = async () => {
        const { value } = await reader.read();
        return value;
      };
      const status = async () => await Deno.readTextFile(`/proc/${child.pid}/status`);
      while (!/^CapEff:\t0+$/m.test(await status())) {
        new Deno.Command("true").outputSync();
        assert.ok(await within(read(), { timeoutMs: 5_000, what: "a record" }));
      }
      assert.match(await status(), /^Uid:\t65534\t65534\t65534\t65534$/m);
      assert.match(await status(), /^Groups:\t *$/m);
      await reader.cancel();
      new Deno.Command("true").outputSync();
      const { code } = await within(child.status, { timeoutMs: 5_000, what: "its end" });
      assert.equal(code, 0);
    } catch (error) {
      child.kill("SIGKILL");
      await child.status;
      throw error;
    }
  },
});
