/**
 * Watches single directories: by fanotify, which names the process behind a change, and by inotify where
 * the file system has no handles for it (an overlay before Linux 6.6) or the agent no right. Then fanotify
 * in its older form names at least the process behind a write. It owns all three and ends by `close`.
 */

import { dirname } from "node:path";
import {
  type EventPump,
  type Fanotify,
  type FileWrite,
  type FileWrites,
  IN,
  type Inotify,
  isShimError,
  type Shim,
} from "../../ffi/mod.ts";
import type { SourceName } from "./event.ts";

const INOTIFY_MASK = IN.closeWrite | IN.attrib | IN.create | IN.delete | IN.movedFrom |
  IN.movedTo | IN.deleteSelf | IN.moveSelf | IN.dontFollow | IN.onlyDirectory;
/** The directory itself is gone, and its watch with it. */
const GONE = IN.deleteSelf | IN.moveSelf | IN.ignored;
/** The directory is not there, or is none; inotify would say the same. */
const NO_DIRECTORY = ["ENOENT", "ENOTDIR", "ELOOP", "EACCES"] as const;

/** A change in a watched directory. */
export interface DirectoryEvent {
  readonly directory: string;
  readonly name: string;
  /** Bits of `IN`. */
  readonly mask: number;
  readonly source: SourceName;
  /** 0 where the source does not know it. */
  readonly pid: number;
}

/** What a watcher tells. */
export interface DirectoryListener {
  changed(event: DirectoryEvent): void;
  /** The directory at this path is another one, or gone; it is not watched any more. */
  gone(directory: string): void;
  lost(source: SourceName): void;
}

interface Held {
  readonly source: SourceName;
  readonly key: string;
}

/** Watched directories. */
export class DirectoryWatcher {
  readonly #fanotify: Fanotify | undefined;
  readonly #inotify: Inotify;
  readonly #writes: FileWrites | undefined;
  readonly #held = new Map<string, Held>();
  readonly #directories = new Map<string, string>();
  /** Why no change can be put down to a process; undefined while that works. */
  readonly actorsUnavailable: string | undefined;

  constructor(
    shim: Pick<Shim, "openInotify" | "openFanotify" | "openFileWrites">,
    events: EventPump,
    private readonly listener: DirectoryListener,
  ) {
    this.#inotify = shim.openInotify(
      events,
      ({ watch, mask, name }) => this.#onEvent("inotify", `${watch}`, { mask, name, pid: 0 }),
    );
    try {
      this.#fanotify = shim.openFanotify(
        events,
        ({ directory, mask, name, pid }) =>
          this.#onEvent("fanotify", directory, { mask, name, pid }),
      );
    } catch (error) {
      if (!isShimError(error)) throw error;
      this.actorsUnavailable = error.message;
    }
    try {
      this.#writes = shim.openFileWrites(events, (write) => this.#onWrite(write));
    } catch (error) {
      if (!isShimError(error)) throw error;
    }
  }

  get size(): number {
    return this.#held.size;
  }

  has(directory: string): boolean {
    return this.#held.has(directory);
  }

  /** Every watched directory. */
  directories(): readonly string[] {
    return [...this.#held.keys()];
  }

  /** Watches a directory. Throws ShimError. */
  add(directory: string): void {
    if (this.#held.has(directory)) return;
    const held = this.#byFanotify(directory) ?? this.#byInotify(directory);
    this.#held.set(directory, held);
    this.#directories.set(held.key, directory);
  }

  /** Stops watching a directory, whether it is still there or not. */
  remove(directory: string): void {
    const held = this.#drop(directory);
    if (held === undefined) return;
    try {
      if (held.source === "inotify") {
        this.#writes?.unmark(directory);
        this.#inotify.remove(Number(held.key));
      } else this.#fanotify?.unmark(directory);
    } catch (error) {
      // What is left of it names a directory that nobody knows: its events are passed over.
      if (!isShimError(error)) throw error;
    }
  }

  close(): void {
    this.#fanotify?.close();
    this.#writes?.close();
    this.#inotify.close();
  }

  #byFanotify(directory: string): Held | undefined {
    if (this.#fanotify === undefined) return undefined;
    try {
      return { source: "fanotify", key: this.#fanotify.mark(directory) };
    } catch (error) {
      if (!isShimError(error) || isShimError(error, ...NO_DIRECTORY)) throw error;
      return undefined;
    }
  }

  #byInotify(directory: string): Held {
    const watch = this.#inotify.add(directory, INOTIFY_MASK);
    try {
      this.#writes?.mark(directory);
    } catch (error) {
      // Changes are told all the same, without their process.
      if (!isShimError(error)) throw error;
    }
    return { source: "inotify", key: `${watch}` };
  }

  /** Inotify tells of the same write: the two become one event. */
  #onWrite({ path, pid }: FileWrite): void {
    const directory = dirname(path);
    if (path === "" || this.#held.get(directory)?.source !== "inotify") return;
    const name = path.slice(directory === "/" ? 1 : directory.length + 1);
    this.listener.changed({ directory, name, mask: IN.closeWrite, source: "fanotify", pid });
  }

  #drop(directory: string): Held | undefined {
    const held = this.#held.get(directory);
    if (held === undefined) return undefined;
    this.#held.delete(directory);
    if (this.#directories.get(held.key) === directory) this.#directories.delete(held.key);
    return held;
  }

  #onEvent(
    source: SourceName,
    key: string,
    event: Pick<DirectoryEvent, "mask" | "name" | "pid">,
  ): void {
    if ((event.mask & IN.queueOverflow) !== 0) return this.listener.lost(source);
    const directory = this.#directories.get(key);
    if (directory === undefined) return;
    if ((event.mask & GONE) !== 0 && event.name === "") {
      this.#drop(directory);
      return this.listener.gone(directory);
    }
    this.listener.changed({ directory, source, ...event });
  }
}
