import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { type Compiler, findCompiler, ShimBuildError } from "./compiler.ts";

/*
 * Builds a library or program from the C files of one folder into a cache keyed by their content, the
 * flags and the compiler, then puts it under a name that stays the same, so that a permission can name
 * it.
 */

/** The language and the warnings that every build of the C code has. */
export const WARNING_FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"];

const LIBRARY_FLAGS = [...WARNING_FLAGS, "-O2", "-fPIC", "-fvisibility=hidden", "-shared"];
/** Static: nothing of the file system is needed to start it. */
const PROGRAM_FLAGS = [
  ...WARNING_FLAGS,
  "-Os",
  "-s",
  "-static-pie",
  "-fPIE",
  "-fstack-protector-strong",
  "-D_FORTIFY_SOURCE=2",
  "-Wl,-z,relro,-z,now,-z,noexecstack",
];

/** With the libraries of the system, which the plan's flags name. */
const DYNAMIC_PROGRAM_FLAGS = PROGRAM_FLAGS.map((flag) => flag === "-static-pie" ? "-pie" : flag);
/** An object for the kernel's own machine, by clang; its C library headers are the system's. */
const KERNEL_OBJECT_FLAGS = [
  "-target",
  "bpf",
  "-O2",
  "-g",
  "-Wall",
  "-Werror",
  "-c",
  `-I/usr/include/${Deno.build.arch}-linux-gnu`,
];

/** Every finding of the sanitizers ends it. */
const SANITIZED_FLAGS = [
  ...WARNING_FLAGS,
  "-g",
  "-O1",
  "-fsanitize=address,undefined",
  "-fno-sanitize-recover=all",
];

/** A library, or a program, that can be built. */
export interface LibraryPlan {
  /** A library unless said. */
  readonly kind?: "library" | "program" | "dynamicProgram" | "kernelObject" | "sanitizedProgram";
  /** The folder of its C files and headers. */
  readonly sources: string;
  /** Names of folders in it whose C files and headers belong to it as well. */
  readonly parts?: readonly string[];
  /** Its file name. */
  readonly name: string;
  /** Beyond those of every library. */
  readonly flags?: readonly string[];
}

/** Where to build, and with what. */
export interface BuildOptions {
  readonly cacheDirectory?: string;
  readonly compiler?: string;
}

/** What a build answers. */
export interface BuiltLibrary {
  /** The library under its lasting name, in `.cache/ffi/` of the working copy. */
  readonly path: string;
  /** Whether the compiler had to run. */
  readonly compiled: boolean;
}

/** The names of the C files and headers in a folder, sorted. */
export async function cFilesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isFile && /\.[ch]$/.test(entry.name)) names.push(entry.name);
  }
  return names.sort();
}

/** The files of a plan, by their paths in its folder. */
async function sourceNames({ sources, parts = [] }: LibraryPlan): Promise<string[]> {
  const names = await cFilesIn(sources);
  for (const part of parts) {
    names.push(...(await cFilesIn(join(sources, part))).map((name) => join(part, name)));
  }
  return names;
}

/**
 * Builds what is not built yet. Needs permission to run the compiler, to read ffi/ and to read and
 * write the cache. Throws ShimBuildError.
 */
export async function buildLibrary(
  plan: LibraryPlan,
  options: BuildOptions,
): Promise<BuiltLibrary> {
  const cache = options.cacheDirectory ?? join(import.meta.dirname ?? ".", "../../.cache/ffi");
  const compiler = await findCompiler(options.compiler ?? Deno.env.get("PACT_CC"));
  const names = await sourceNames(plan);
  const built = join(cache, await cacheKey(plan, compiler, names), plan.name);
  const compiled = !await exists(built);
  if (compiled) await compile(plan, compiler, names, built);
  const path = join(cache, plan.name);
  await publish(built, path);
  return { path, compiled };
}

const FLAGS = {
  library: LIBRARY_FLAGS,
  program: PROGRAM_FLAGS,
  dynamicProgram: DYNAMIC_PROGRAM_FLAGS,
  kernelObject: KERNEL_OBJECT_FLAGS,
  sanitizedProgram: SANITIZED_FLAGS,
} as const;

function flagsOf(plan: LibraryPlan): readonly string[] {
  return [...FLAGS[plan.kind ?? "library"], ...plan.flags ?? []];
}

async function cacheKey(plan: LibraryPlan, compiler: Compiler, names: string[]): Promise<string> {
  const hash = createHash("sha256");
  hash.update(JSON.stringify([compiler.version, Deno.build.target, flagsOf(plan)]));
  for (const name of names) {
    const text = await Deno.readTextFile(join(plan.sources, name));
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
async function compile(
  plan: LibraryPlan,
  compiler: Compiler,
  names: string[],
  target: string,
): Promise<void> {
  await Deno.mkdir(dirname(target), { recursive: true });
  const temporary = await Deno.makeTempFile({ dir: dirname(target), suffix: ".so" });
  const files = names.filter((name) => name.endsWith(".c")).map((name) => join(plan.sources, name));
  const { success, stderr } = await new Deno.Command(compiler.command, {
    args: [...flagsOf(plan), "-o", temporary, ...files],
  }).output();
  if (!success) {
    await Deno.remove(temporary);
    const said = new TextDecoder().decode(stderr).trim();
    throw new ShimBuildError(`${compiler.command} failed to build ${plan.name}:\n${said}`);
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
