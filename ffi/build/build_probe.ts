import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { buildLibrary, type BuildOptions, type BuiltLibrary } from "./build_library.ts";
import { findCompiler, ShimBuildError } from "./compiler.ts";

const SOURCES = join(import.meta.dirname ?? ".", "..", "probe");
/** The part that needs no BPF, which has tests of its own. */
export const TRACEFS_SOURCES: string = join(SOURCES, "tracefs");
/** Debian names a clang by its version as well. */
const CLANGS = ["clang", "clang-19", "clang-16", "clang-14"];

/**
 * Builds the program with the kernel probes (OBS-10). It needs clang and libbpf's headers beside the C
 * compiler, which not every machine has: throws ShimBuildError where it lacks one.
 */
export async function buildProbe(options: BuildOptions = {}): Promise<BuiltLibrary> {
  const kernelPart = await buildLibrary({
    sources: join(SOURCES, "kernel"),
    name: "pact-probe.bpf.o",
    kind: "kernelObject",
  }, { ...options, compiler: await findClang() });
  const object = resolve(kernelPart.path);
  const digest = createHash("sha256").update(await Deno.readFile(object)).digest("hex");
  return await buildLibrary({
    sources: SOURCES,
    parts: ["tracefs"],
    name: "pact-probe",
    kind: "dynamicProgram",
    flags: [
      `-DPROBE_OBJECT="${object}"`,
      // Another object is another program, though its file has the same name.
      `-DPROBE_DIGEST="${digest}"`,
      "-Wl,--no-as-needed,-lbpf",
    ],
  }, options);
}

async function findClang(): Promise<string> {
  for (const command of CLANGS) {
    try {
      return (await findCompiler(command)).command;
    } catch (error) {
      if (!(error instanceof ShimBuildError)) throw error;
    }
  }
  throw new ShimBuildError(
    "no clang found: install it (Debian: apt-get install clang libbpf-dev)",
  );
}
