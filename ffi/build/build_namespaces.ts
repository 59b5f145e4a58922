import { join } from "node:path";
import { buildLibrary, type BuildOptions, type BuiltLibrary } from "./build_library.ts";

const SOURCES = join(import.meta.dirname ?? ".", "..", "namespaces");

/** Builds the program that acts inside of other namespaces (WLI-3). Throws ShimBuildError. */
export function buildNamespaces(options: BuildOptions = {}): Promise<BuiltLibrary> {
  return buildLibrary({ sources: SOURCES, name: "pact-namespaces", kind: "program" }, options);
}
