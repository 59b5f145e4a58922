import type { Files } from "../../ffi/mod.ts";
import type { DocumentStore } from "../window/mod.ts";

const MAX_BYTES = 64 * 1024 * 1024;

/** Named documents in a directory of the agent's own (INI-31). */
export function documentStore(files: Files, directory: string): DocumentStore {
  const pathOf = (name: string) => `${directory}/${name}.json`;
  return {
    load: (name) => {
      const path = pathOf(name);
      if (files.lstatIfPresent(path) === null) return undefined;
      return files.readText(path, { maxBytes: MAX_BYTES, followSymlink: false });
    },
    save: (name, text) => files.writeAtomicSync(pathOf(name), text, { mode: 0o600 }),
  };
}
