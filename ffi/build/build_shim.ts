import { dirname, join } from "node:path";
import { createHash } from "node:crypto";
import { type Compiler, findCompiler, ShimBuildError } from "./compiler.ts";

/*
 * Builds the library from the C files of ffi/ into a cache keyed by their content, the flags and the
 * compiler, then puts it under a name that stays the same, so that a permission can name it.
 */

/** The language and the warnings that every build of the shim has. */
export const WARNING_FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"];

const FLAGS = [...WARNING_FLAGS, "-O2", "-fPIC", "-fvisibility=hidden", "-shared"];
const LIBRARY = "libpact_shim.so";

/** Where the C files are. */
export const SHIM_SOURCES: string = join(import.meta.dirname ?? ".", "..");

/** What a build answers. */
export interface BuiltShim {
  /** The library under its lasting name, `.cache/ffi/libpact_shim.so` of the working copy. */
  readonly path: string;
  /** Whether the compiler had to run. */
  readonly compiled: boolean;
}

/** The names of the C files and headers of the shim, sorted. */
export async function shimSources(): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(SHIM_SOURCES)) {
    if (entry.isFile && /\.[ch]$/.test(entry.name)) names.push(entry.name);
  }
  return names.sort();
}

async function cacheKey(compiler: Compiler, sources: string[]): Promise<string> {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([compiler.version, Deno.build.target, FLAGS]));
  for (const name of sources) {
    const text = await Deno.readTextFile(join(SHIM_SOURCES, name));
    hash.update(JSON.stringify([name, text]));
  }
  return hash.digest("hex").slice(0, 24);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Several builds may run at once: each works on a name of its own and renames it into place. */
async function compile(compiler: Compiler, sources: string[], target: string): Promise<void> {
  await Deno.mkdir(dirname(target), { recursive: true });
  const temporary = await Deno.makeTempFile({ dir: dirname(target), suffix: ".so" });
  const files = sources.filter((name) => name.endsWith(".c")).map((name) =>
    join(SHIM_SOURCES, name)
  );
  const { success, stderr } = await new Deno.Command(compiler.command, {
    args: [...FLAGS, "-o", temporary, ...files],
  }).output();
  if (!success) {
    await Deno.remove(temporary);
    const said = new TextDecoder().decode(stderr).trim();
    throw new ShimBuildError(`${compiler.command} failed to build the native library:\n${said}`);
  }
  await Deno.chmod(temporary, 0o755);
  await Deno.rename(temporary, target);
}

/** Points the lasting name at a build, by rename: a process that runs keeps what it loaded. */
async function publish(built: string, path: string): Promise<void> {
  const bytes = await Deno.readFile(built);
  if (await exists(path) && equal(bytes, await Deno.readFile(path))) return;
  const temporary = await Deno.makeTempFile({ dir: dirname(path), suffix: ".so" });
  await Deno.writeFile(temporary, bytes);
  await Deno.chmod(temporary, 0o755);
  await Deno.rename(temporary, path);
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.byteLength === right.byteLength && left.every((byte, index) => byte === right[index]);
}

/**
 * Builds what is not built yet. Needs permission to run the compiler, to read ffi/ and to read and
 * write the cache; the agent has none of these, so this runs before it. Throws ShimBuildError.
 */
export async function buildShim(
  options: { cacheDirectory?: string; compiler?: string } = {},
): Promise<BuiltShim> {
  const cache = options.cacheDirectory ?? join(SHIM_SOURCES, "..", ".cache", "ffi");
  const compiler = await findCompiler(options.compiler ?? Deno.env.get("PACT_CC"));
  const sources = await shimSources();
  const built = join(cache, await cacheKey(compiler, sources), LIBRARY);
  const compiled = !await exists(built);
  if (compiled) await compile(compiler, sources, built);
  const path = join(cache, LIBRARY);
  await publish(built, path);
  return { path, compiled };
}
