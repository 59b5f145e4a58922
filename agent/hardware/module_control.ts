import type { Clock } from "../../common/clock/mod.ts";
import { isShimError, type Shim } from "../../ffi/mod.ts";
import { moduleIndex, moduleName } from "./module_index.ts";
import { ModuleLoader } from "./module_loader.ts";
import { readModuleTables } from "./module_tables.ts";

const MODULES = "/lib/modules";
const MAX_LIST_BYTES = 1024 * 1024;

/** Modules by name, for those that are declared. */
export interface ModuleControl {
  /** Whether the kernel has it, loaded or built in. */
  isLoaded(name: string): boolean;
  /** Loads it with what it needs; the reason why it is not there, undefined when it is. */
  load(name: string): Promise<string | undefined>;
}

/** The modules of the running kernel; its tables are read when the first one is asked for. */
export function openModuleControl(
  shim: Pick<Shim, "files" | "modules" | "system">,
  clock: Clock,
): ModuleControl {
  const directory = `${MODULES}/${shim.system.names().release}`;

  function loadedNames(): ReadonlySet<string> {
    try {
      const text = shim.files.readText("/proc/modules", { maxBytes: MAX_LIST_BYTES });
      return new Set(text.split("\n").map((line) => line.split(" ")[0] ?? ""));
    } catch (error) {
      // A kernel without modules has no list of them.
      if (isShimError(error, "ENOENT")) return new Set();
      throw error;
    }
  }

  /** A fresh loader: what failed once may work now. */
  function openLoader(): ModuleLoader | undefined {
    const tables = readModuleTables(shim.files, directory, []);
    if (tables === undefined) return undefined;
    return new ModuleLoader({
      modules: shim.modules,
      index: moduleIndex(tables),
      directory,
      clock,
    });
  }

  return {
    isLoaded: (name) =>
      loadedNames().has(moduleName(name)) ||
      shim.files.lstatIfPresent(`/sys/module/${moduleName(name)}`) !== null,
    load: async (name) => {
      const loader = openLoader();
      if (loader === undefined) return `no modules for this kernel in ${directory}`;
      const { failed, unused } = await loader.load([moduleName(name)]);
      const own = failed.find((failure) => failure.name === moduleName(name)) ?? failed[0];
      return own?.reason ?? (unused.length > 0 ? "it found no device" : undefined);
    },
  };
}
