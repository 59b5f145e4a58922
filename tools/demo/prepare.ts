import { buildShim } from "../../ffi/build/mod.ts";
import { repositoryRoot } from "../../tests/support/mod.ts";

const PROGRAMS = [
  "journal/main.ts",
  "agent/main.ts",
  "agent/worker.ts",
  "cli/main.ts",
  "mcp/main.ts",
];

/**
 * Builds the native library and fetches the packages of every program, so that the tour itself waits
 * for neither. Throws ShimBuildError where there is no compiler.
 */
export async function prepare(): Promise<void> {
  const { compiled } = await buildShim();
  if (compiled) console.log("Built the native library.");
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", ...PROGRAMS],
    cwd: repositoryRoot,
    stdin: "null",
  }).output();
  if (success) return;
  throw new Error(`cannot fetch the packages: ${new TextDecoder().decode(stderr).trim()}`);
}
