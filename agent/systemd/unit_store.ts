import type { Files } from "../../ffi/mod.ts";
import { HEADER, serviceOfUnit, unitName } from "./unit_file.ts";

/*
 * Shell: the unit files of pact's services in one directory. Owns those that begin with its header and
 * no others.
 */

/** The unit files on this node, by service. */
export interface UnitStore {
  /** Those written by this agent or a former one. */
  readAll(): ReadonlyMap<string, string>;
  write(service: string, text: string): Promise<void>;
  remove(service: string): void;
}

const MAX_BYTES = 1024 * 1024;

/** The store in a directory such as /run/systemd/system, made if it is not there. */
export function openUnitStore(files: Files, directory: string): UnitStore {
  const pathOf = (service: string) => `${directory}/${unitName(service)}`;
  return {
    readAll: () => {
      const texts = new Map<string, string>();
      for (const { name, type } of files.list(directory)) {
        const service = serviceOfUnit(name);
        if (type !== "file" || service === null || service.includes("@")) continue;
        const text = files.readText(`${directory}/${name}`, { maxBytes: MAX_BYTES });
        if (text.startsWith(`${HEADER}\n`)) texts.set(service, text);
      }
      return texts;
    },
    write: (service, text) => files.writeAtomic(pathOf(service), text, { mode: 0o644 }),
    remove: (service) => files.unlink(pathOf(service)),
  };
}
