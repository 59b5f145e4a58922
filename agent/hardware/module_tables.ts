import { type Files, isShimError } from "../../ffi/mod.ts";
import type { ModuleTables } from "./module_index.ts";

const MAX_TABLE_BYTES = 32 * 1024 * 1024;
const MAX_CONFIGURATION_BYTES = 256 * 1024;
/** Of files of one name the first counts (modprobe.d(5)). */
const CONFIGURATION = ["/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d"];

/** Reads the tables of one kernel's modules; undefined where it has none. Throws ShimError. */
export function readModuleTables(
  files: Pick<Files, "readText" | "list">,
  directory: string,
  commandLine: readonly string[],
): ModuleTables | undefined {
  const table = (name: string) => textIfPresent(files, `${directory}/${name}`, MAX_TABLE_BYTES);
  const dependencies = table("modules.dep");
  if (dependencies === undefined) return undefined;
  return {
    aliases: table("modules.alias") ?? "",
    dependencies,
    softDependencies: table("modules.softdep") ?? "",
    builtin: table("modules.builtin") ?? "",
    configuration: configurationTexts(files),
    commandLine,
  };
}

function configurationTexts(files: Pick<Files, "readText" | "list">): string[] {
  const paths = new Map<string, string>();
  for (const directory of CONFIGURATION) {
    for (const name of namesIn(files, directory)) {
      if (name.endsWith(".conf") && !paths.has(name)) paths.set(name, `${directory}/${name}`);
    }
  }
  return [...paths].sort(([a], [b]) => a < b ? -1 : 1)
    .flatMap(([, path]) => textIfPresent(files, path, MAX_CONFIGURATION_BYTES) ?? []);
}

/** Names in a directory, none where there is none. */
export function namesIn(files: Pick<Files, "list">, directory: string): string[] {
  try {
    return files.list(directory).map(({ name }) => name);
  } catch (error) {
    if (isShimError(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

/** A file's text, undefined where there is none. */
export function textIfPresent(
  files: Pick<Files, "readText">,
  path: string,
  maxBytes: number,
): string | undefined {
  try {
    return files.readText(path, { maxBytes });
  } catch (error) {
    // A device may be gone between the listing and the reading.
    if (isShimError(error, "ENOENT", "ENOTDIR", "ENODEV")) return undefined;
    throw error;
  }
}
