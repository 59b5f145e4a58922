import { needing } from "../needing.ts";

/** Whether etcd is installed; where tests may not be left out, its absence fails them. */
function hasEtcd(): boolean {
  try {
    new Deno.Command("etcd", { args: ["--version"], stdout: "null", stderr: "null" }).outputSync();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return Deno.env.get("CI") === "true";
  }
}

const isInstalled = hasEtcd();

/** A test with a real etcd; ignored, and saying so, where there is none and CI is not "true". */
export function etcdTest(name: string, run: () => Promise<void>): void {
  Deno.test({
    ...needing(isInstalled, "etcd: install Debian's package etcd-server", name),
    fn: run,
  });
}
