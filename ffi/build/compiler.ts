/** A C compiler that answers. */
export interface Compiler {
  readonly command: string;
  /** First line of `--version`: part of the cache key. */
  readonly version: string;
}

/** A build that cannot be; the message is one line that says what to do. */
export class ShimBuildError extends Error {
  override readonly name = "ShimBuildError";
}

const CANDIDATES = ["cc", "gcc", "clang"];

async function versionOf(command: string): Promise<string | null> {
  try {
    const { success, stdout } = await new Deno.Command(command, { args: ["--version"] }).output();
    return success ? new TextDecoder().decode(stdout).split("\n")[0] ?? "" : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** The first compiler that answers: `chosen` (of PACT_CC) alone where given, else cc, gcc, clang.
 * Throws ShimBuildError. */
export async function findCompiler(chosen: string | undefined): Promise<Compiler> {
  for (const command of chosen === undefined ? CANDIDATES : [chosen]) {
    const version = await versionOf(command);
    if (version !== null) return { command, version };
  }
  throw new ShimBuildError(
    chosen === undefined
      ? "no C compiler found: install gcc or clang (Debian: apt-get install gcc libc6-dev), or set PACT_CC"
      : `no C compiler found: PACT_CC names ${chosen}, which does not run`,
  );
}
