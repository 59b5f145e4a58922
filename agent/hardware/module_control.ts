import type { Clock } from "../../common/clock/mod.ts";
import { type LoadedModule, onDemandModules, parseModules } from "../drift/mod.ts";
import { isShimError, type Shim } from "../../ffi/mod.ts";
import { moduleIndex, moduleName } from "./module_index.ts";
import { ModuleLoader } from "./module_loader.ts";
import { namesIn, readModuleTables, textIfPresent } from "./module_tables.ts";

const MODULES = "/lib/modules";
const MAX_LIST_BYTES = 1024 * 1024;
const MAX_ALIASES_BYTES = 32 * 1024 * 1024;

/** Modules by name, for those that are declared, and those that nobody declared. */
export interface ModuleControl {
  /** Whether the kernel has it, loaded or built in. */
  isLoaded(name: string): boolean;
  /** Loads it with what it needs; the reason why it is not there, undefined when it is. */
  load(name: string): Promise<string | undefined>;
  /** Those that were loaded rather than built in; undefined for a kernel that cannot load any. */
  loaded(): readonly LoadedModule[] | undefined;
  /** Unloads one that nothing uses; the reason why it is still there, undefined when it is gone. */
  unload(name: string): string | undefined;
  /** Names of devices that one of its drivers has now. */
  devicesOf(name: string): readonly string[];
  /** Modules that the kernel loads by itself for a program that uses them. */
  onDemand(): ReadonlySet<string>;
}

/** The modules of the running kernel; its tables are read when the first one is asked for. */
export function openModuleControl(
  shim: Pick<Shim, "files" | "modules" | "system">,
  clock: Clock,
): ModuleControl {
  const directory = `${MODULES}/${shim.system.names().release}`;

  let onDemand: ReadonlySet<string> | undefined;

  /** A kernel without modules has no list of them. */
  function list(): string | undefined {
    return textIfPresent(shim.files, "/proc/modules", MAX_LIST_BYTES);
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
      (list() ?? "").split("\n").some((line) => line.startsWith(`${moduleName(name)} `)) ||
      shim.files.lstatIfPresent(`/sys/module/${moduleName(name)}`) !== null,
    load: async (name) => {
      const loader = openLoader();
      if (loader === undefined) return `no modules for this kernel in ${directory}`;
      const { failed, unused } = await loader.load([moduleName(name)]);
      const own = failed.find((failure) => failure.name === moduleName(name)) ?? failed[0];
      return own?.reason ?? (unused.length > 0 ? "it found no device" : undefined);
    },
    loaded: () => {
      const text = list();
      return text === undefined ? undefined : parseModules(text);
    },
    unload: (name) => {
      try {
        shim.modules.unload(moduleName(name));
        return undefined;
      } catch (error) {
        if (isShimError(error, "ENOENT")) return undefined;
        if (isShimError(error, "EAGAIN", "EBUSY")) return "in use";
        if (isShimError(error)) return error.message;
        throw error;
      }
    },
    devicesOf: (name) => {
      const drivers = `/sys/module/${moduleName(name)}/drivers`;
      return namesIn(shim.files, drivers).flatMap((driver) =>
        devicesIn(shim.files, `${drivers}/${driver}`)
      );
    },
    onDemand: () =>
      onDemand ??= onDemandModules(
        textIfPresent(shim.files, `${directory}/modules.alias`, MAX_ALIASES_BYTES) ?? "",
      ),
  };
}

/** In a driver's directory a link is a device, or the way back to the module (sysfs). */
function devicesIn(files: Shim["files"], driver: string): string[] {
  try {
    return files.list(driver)
      .filter(({ name, type }) => type === "symlink" && name !== "module")
      .map(({ name }) => name);
  } catch (error) {
    // It may have gone since the listing above it.
    if (isShimError(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}
