import { join } from "node:path";
import { cFilesIn, WARNING_FLAGS } from "./build_library.ts";
import { findCompiler, ShimBuildError } from "./compiler.ts";

const SANITIZERS = "-fsanitize=address,undefined";

/** A program of C tests. */
export interface SanitizedPlan {
  /** The folder of the C files under test. */
  readonly sources: string;
  /** The names of those that are under test; all unless said. */
  readonly names?: readonly string[];
  readonly testDirectory: string;
  readonly program: string;
  readonly flags?: readonly string[];
  readonly compiler?: string;
}

/**
 * Builds a program of a folder's C files and those of a directory of tests, under AddressSanitizer and
 * UndefinedBehaviorSanitizer, every finding of which ends it. Throws ShimBuildError.
 */
export async function buildSanitized(plan: SanitizedPlan): Promise<void> {
  const { command } = await findCompiler(plan.compiler ?? Deno.env.get("PACT_CC"));
  const { success, stderr } = await new Deno.Command(command, {
    args: [
      ...WARNING_FLAGS,
      "-g",
      "-O1",
      "-pthread",
      SANITIZERS,
      "-fno-sanitize-recover=all",
      ...plan.flags ?? [],
      `-I${plan.sources}`,
      "-o",
      plan.program,
      ...plan.names?.map((name) => join(plan.sources, name)) ?? await cFilesOf(plan.sources),
      ...await cFilesOf(plan.testDirectory),
    ],
  }).output();
  if (success) return;
  const said = new TextDecoder().decode(stderr).trim();
  throw new ShimBuildError(`${command} failed to build with ${SANITIZERS}:\n${said}`);
}

async function cFilesOf(folder: string): Promise<string[]> {
  return (await cFilesIn(folder)).filter((name) => name.endsWith(".c")).map((name) =>
    join(folder, name)
  );
}
