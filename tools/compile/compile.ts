import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { type Bundle, bundle } from "./bundle.ts";
import { readPermissionSets, writeConfig } from "./config.ts";
import { type Executable, EXECUTABLES } from "./executables.ts";
import { writeLauncher, writeRuntimeLink } from "./launcher.ts";
import { grantsOf, readBack } from "./read_back.ts";
import { compileStandalone, NoBaseRuntime } from "./standalone.ts";

/** What was made, and how. */
export interface Compiled {
  readonly directory: string;
  readonly form: "standalone" | "launcher";
}

/** How to compile. */
export interface CompileOptions {
  /** Undefined: whichever can be had. */
  readonly form?: Compiled["form"];
  /** Path of the base runtime, where it is not to be looked for. */
  readonly baseRuntime?: string;
}

/**
 * Makes every executable in `directory`: single files where the runtime's base can be had, launchers
 * of the same names otherwise. Either way what each may do is read back and compared with deno.json.
 *
 * @throws {Error} when an executable may do anything else than its set says, or the base runtime that
 *   was named is not there.
 */
export async function compileAll(
  directory: string,
  options: CompileOptions = {},
): Promise<Compiled> {
  if (options.baseRuntime !== undefined) await requireFile(options.baseRuntime);
  const place = resolve(directory);
  const lib = join(place, "lib");
  const config = join(lib, "deno.json");
  await Deno.mkdir(lib, { recursive: true });
  await writeConfig(config, EXECUTABLES.map(({ set }) => set));
  const bundles = new Map<Executable, Bundle>();
  for (const executable of EXECUTABLES) {
    bundles.set(executable, await bundle(executable, join(lib, executable.set)));
  }
  const form = options.form === "launcher"
    ? "launcher"
    : await compileEach(bundles, place, config, options);
  if (form === "launcher") {
    await writeRuntimeLink(join(lib, "deno"));
    for (const [executable, bundled] of bundles) {
      await writeLauncher(executable, bundled, join(place, executable.name));
    }
  }
  for (const executable of EXECUTABLES) await requireExactly(executable, place);
  return { directory: place, form };
}

async function requireFile(path: string): Promise<void> {
  const info = await Deno.stat(path).catch(() => undefined);
  if (info?.isFile !== true) throw new Error(`DENORT_BIN: there is no file ${path}`);
}

async function compileEach(
  bundles: ReadonlyMap<Executable, Bundle>,
  place: string,
  config: string,
  { form, baseRuntime }: CompileOptions,
): Promise<Compiled["form"]> {
  const env: Record<string, string> = baseRuntime === undefined ? {} : { DENORT_BIN: baseRuntime };
  try {
    for (const [executable, bundled] of bundles) {
      await compileStandalone(executable, bundled, config, join(place, executable.name), env);
    }
    return "standalone";
  } catch (error) {
    const mayFallBack = form === undefined && baseRuntime === undefined;
    if (error instanceof NoBaseRuntime && mayFallBack) return "launcher";
    throw error;
  }
}

/** Compares what an executable may do with its set, as the project states it. */
async function requireExactly({ name, set, ownFlags }: Executable, place: string): Promise<void> {
  const stated = grantsOf((await readPermissionSets("deno.json"))[set] ?? {}, join(place, "lib"));
  const { grants, isPrompting } = await readBack(join(place, name), ownFlags);
  if (isDeepStrictEqual(grants, stated) && !isPrompting) return;
  throw new Error(
    `${name} would run with ${JSON.stringify(grants)} instead of ${JSON.stringify(stated)}`,
  );
}
