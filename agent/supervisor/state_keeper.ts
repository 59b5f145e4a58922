import type { Logger } from "../../common/log/mod.ts";
import { saveStateFile } from "./state_file.ts";

/*
 * Shell: keeps one file at what the supervisor knows (INI-31). Holds nothing open.
 */

export class StateKeeper {
  readonly #path: string | undefined;
  readonly #log: Logger;
  #saved = "";
  #isUnsaved = false;

  /** @param path absent: nothing is kept */
  constructor(path: string | undefined, log: Logger) {
    this.#path = path;
    this.#log = log;
  }

  /** The last text is not in the file: a full disk, say. */
  get isUnsaved(): boolean {
    return this.#isUnsaved;
  }

  /** Writes what is new. A failure is logged once, and left to a later call to make good. */
  save(text: string): void {
    if (this.#path === undefined || text === this.#saved) return;
    try {
      saveStateFile(this.#path, text);
      this.#saved = text;
      this.#isUnsaved = false;
    } catch (error) {
      if (!this.#isUnsaved) this.#log.error(`state of services not saved: ${error}`);
      this.#isUnsaved = true;
    }
  }
}
