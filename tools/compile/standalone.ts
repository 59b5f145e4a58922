import type { Bundle } from "./bundle.ts";
import { deno, DenoFailure } from "./deno.ts";
import type { Executable } from "./executables.ts";

/** The runtime's base program, which `deno compile` puts the bundle into, cannot be had. */
export class NoBaseRuntime extends Error {
  override readonly name = "NoBaseRuntime";
}

/**
 * Makes one file of the runtime, the bundle and its permission set.
 *
 * @throws {NoBaseRuntime} when neither DENORT_BIN, nor the cache, nor the network has the base.
 */
export async function compileStandalone(
  { set, flags }: Executable,
  { main, workers }: Bundle,
  config: string,
  output: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const include = workers.map((worker) => `--include=${worker}`);
  const options = ["--quiet", "--no-prompt", `-P=${set}`, `--config=${config}`, ...flags];
  // A launcher of an earlier run is none of the files that the runtime would replace.
  await Deno.remove(output).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  try {
    await deno(["compile", ...options, ...include, `--output=${output}`, main], env);
  } catch (error) {
    if (error instanceof DenoFailure && /Setting up base binary/.test(error.stderr)) {
      throw new NoBaseRuntime(error.stderr, { cause: error });
    }
    throw error;
  }
}
