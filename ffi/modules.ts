import { cText } from "./memory.ts";
import { check } from "./shim_error.ts";
import type { Library } from "./symbols.ts";

/** Kernel modules, one at a time: dependencies are the caller's affair. */
export interface Modules {
  /**
   * Loads a module from its file; resolves when its initialisation is done. Throws EEXIST when it is
   * loaded already, EOPNOTSUPP for a compressed file where the kernel cannot expand it.
   */
  load(path: string, parameters?: string): Promise<void>;
  /** Unloads a module that nothing uses. Throws EAGAIN when something does. */
  unload(name: string): void;
}

/** Kernel modules, through one loaded shim. */
export function createModules(library: Library): Modules {
  return {
    load: async (path, parameters = "") => {
      const result = await library.pact_shim_load_module(
        cText(path, "finit_module"),
        cText(parameters, "finit_module"),
        /\.(?:xz|gz|zst)$/.test(path) ? 1 : 0,
      );
      check(result, "finit_module", path);
    },
    unload: (name) => {
      check(library.pact_shim_unload_module(cText(name, "delete_module")), "delete_module", name);
    },
  };
}
