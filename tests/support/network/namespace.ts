import assert from "node:assert/strict";
import { basename } from "node:path";
import { repositoryRoot } from "../spawn_deno.ts";

const MARK = "PACT_TEST_NAMESPACE";
const LIMIT_MS = 180_000;

/**
 * Registers tests that need a network namespace of their own. Outside of one the file becomes a single
 * test that runs itself inside. It needs root and the named programs; with CI=true the lack of them is a failure.
 */
export function inNetworkNamespace(
  moduleUrl: string,
  register: () => void,
  programs: readonly string[] = [],
): void {
  if (Deno.env.get(MARK) === "1") return register();
  const isPossible = canUnshare() && programs.every(isThere);
  const ignore = !isPossible && Deno.env.get("CI") !== "true";
  Deno.test({
    name: `in a network namespace: ${basename(moduleUrl)}${
      ignore ? ` (ignored: needs ${["root", ...programs].join(", ")})` : ""
    }`,
    ignore,
    fn: () => runInside(new URL(moduleUrl).pathname),
  });
}

function canUnshare(): boolean {
  try {
    return new Deno.Command("unshare", { args: ["--net", "ip", "link"] }).outputSync().success;
  } catch {
    return false;
  }
}

function isThere(program: string): boolean {
  return new Deno.Command("sh", { args: ["-c", `command -v ${program}`] }).outputSync().success;
}

async function runInside(path: string): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command("unshare", {
    args: [
      ...["--net", "--mount", Deno.execPath(), "test", "-A", "--no-check"],
      `--config=${repositoryRoot}deno.json`,
      path,
    ],
    env: { [MARK]: "1", NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(LIMIT_MS),
  }).output();
  const decoder = new TextDecoder();
  assert.ok(success, `${decoder.decode(stdout)}\n${decoder.decode(stderr)}`);
}
