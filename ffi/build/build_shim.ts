import { join } from "node:path";
import { buildLibrary, type BuildOptions, type BuiltLibrary, cFilesIn } from "./build_library.ts";

/** Where the C files are. */
export const SHIM_SOURCES: string = join(import.meta.dirname ?? ".", "..");

/** The names of the C files and headers of the shim, sorted. */
export function shimSources(): Promise<string[]> {
  return cFilesIn(SHIM_SOURCES);
}

/** Builds the shim where it is not built yet; the agent may not, so this runs before it. Throws
 * ShimBuildError. */
export function buildShim(options: BuildOptions = {}): Promise<BuiltLibrary> {
  return buildLibrary({ sources: SHIM_SOURCES, name: "libpact_shim.so" }, options);
}
