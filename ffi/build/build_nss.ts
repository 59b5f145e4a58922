import { join } from "node:path";
import { buildLibrary, type BuildOptions, type BuiltLibrary } from "./build_library.ts";

/** Where the C files of the name service library are. */
export const NSS_SOURCES: string = join(import.meta.dirname ?? ".", "..", "nss");

const NSS_LIBRARY = "libnss_pact.so.2";

/** Builds the library by which programs see the identity map (NSS-1). Throws ShimBuildError. */
export function buildNss(options: BuildOptions = {}): Promise<BuiltLibrary> {
  const flags = [`-Wl,-soname,${NSS_LIBRARY}`, "-Wl,-z,relro,-z,now"];
  return buildLibrary({ sources: NSS_SOURCES, name: NSS_LIBRARY, flags }, options);
}
