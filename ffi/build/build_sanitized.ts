import { join } from "node:path";
import { SHIM_SOURCES, shimSources, WARNING_FLAGS } from "./build_shim.ts";
import { findCompiler, ShimBuildError } from "./compiler.ts";

const SANITIZERS = "-fsanitize=address,undefined";

/**
 * Builds a program of the shim's C files and those of a directory of tests, under AddressSanitizer and
 * UndefinedBehaviorSanitizer, every finding of which ends it. Throws ShimBuildError.
 */
export async function buildSanitized(
  options: { testDirectory: string; program: string; compiler?: string },
): Promise<void> {
  const { command } = await findCompiler(options.compiler ?? Deno.env.get("PACT_CC"));
  const tests: string[] = [];
  for await (const { name } of Deno.readDir(options.testDirectory)) {
    if (name.endsWith(".c")) tests.push(join(options.testDirectory, name));
  }
  const sources = (await shimSources()).filter((name) => name.endsWith(".c"));
  const { success, stderr } = await new Deno.Command(command, {
    args: [
      ...WARNING_FLAGS,
      "-g",
      "-O1",
      "-pthread",
      SANITIZERS,
      "-fno-sanitize-recover=all",
      `-I${SHIM_SOURCES}`,
      "-o",
      options.program,
      ...sources.map((name) => join(SHIM_SOURCES, name)),
      ...tests.sort(),
    ],
  }).output();
  if (success) return;
  const said = new TextDecoder().decode(stderr).trim();
  throw new ShimBuildError(`${command} failed to build with ${SANITIZERS}:\n${said}`);
}
