/**
 * Notices changes of declared files, and of everything below some roots, as they happen (OBS-4). It owns
 * a directory watcher and a timer, and ends by `close`.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { type EventPump, IN, isShimError, type Shim } from "../../ffi/mod.ts";
import { type DirectoryEvent, DirectoryWatcher } from "./directory_watcher.ts";
import type { SourceName } from "./event.ts";
import type { Listener, Source } from "./source.ts";
import { type WatchPlan, watchPlan } from "./watch_plan.ts";

/** Most directories watched; the rest is covered by scans (OBS-4). */
const MAX_DIRECTORIES = 4096;
/** Directories that are looked into before others get their turn. */
const DIRECTORIES_PER_TURN = 32;
const MAX_LISTING_BYTES = 1 << 20;

/** What the source works with. */
export interface FileSourceOptions {
  readonly shim: Pick<Shim, "openInotify" | "openFanotify" | "openFileWrites" | "files">;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  readonly listener: Listener;
  /** Prefix of every managed path; empty on a real node. */
  readonly root: string;
  /** Absolute, without the prefix: watched with all that is below them. */
  readonly watchPaths: readonly string[];
  /** What is below a root but never of interest. */
  readonly isNoise: (path: string) => boolean;
}

/** Watches files. Opens with the roots, without declared files. */
export class FileSource implements Source {
  readonly #watcher: DirectoryWatcher;
  /** Why some directories are not watched. */
  readonly #failures = new Map<string, string>();
  /** Directories below the roots that are still to be looked into, and whether they are new. */
  readonly #queue = new Map<string, boolean>();
  #plan: WatchPlan = new Map();
  #timer: TimerHandle | undefined;
  #isLimitTold = false;

  constructor(private readonly options: FileSourceOptions) {
    const { shim, events, listener } = options;
    this.#watcher = new DirectoryWatcher(shim, events, {
      changed: (event) => this.#onChange(event),
      gone: (directory) => this.#onGone(directory),
      lost: (source) => listener.lost(source),
    });
    this.rescan();
  }

  /** Why no change can be put down to a process; undefined while that works. */
  get actorsUnavailable(): string | undefined {
    return this.#watcher.actorsUnavailable;
  }

  /** Why some declared files are found by scans alone; empty when all are watched. */
  get unwatched(): readonly string[] {
    return [...this.#failures].map(([directory, reason]) => `${directory}: ${reason}`);
  }

  /** How many directories are watched. */
  get watchedCount(): number {
    return this.#watcher.size;
  }

  /** Watches these files too, and of declared files no others. Paths are without the prefix. */
  observe(paths: Iterable<string>): void {
    this.#plan = watchPlan([...paths].map((path) => `${this.options.root}${path}`));
    for (const directory of this.#watcher.directories()) {
      if (!this.#plan.has(directory) && !this.#isBelowRoot(directory)) {
        this.#watcher.remove(directory);
      }
    }
    for (const directory of this.#failures.keys()) {
      if (!this.#plan.has(directory)) this.#failures.delete(directory);
    }
    this.#watchPlan();
  }

  /** Looks for directories that are not watched yet, all over (OBS-4). */
  rescan(): void {
    for (const path of this.options.watchPaths) {
      this.#enqueue(`${this.options.root}${path === "/" ? "" : path}` || "/", false);
    }
    this.#watchPlan();
  }

  close(): void {
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#queue.clear();
    this.#watcher.close();
  }

  #watchPlan(): void {
    for (const directory of this.#plan.keys()) this.#watch(directory);
  }

  #watch(directory: string): boolean {
    if (this.#watcher.has(directory)) return true;
    try {
      if (this.#watcher.size >= MAX_DIRECTORIES) return this.#full(directory);
      this.#watcher.add(directory);
      this.#failures.delete(directory);
      return true;
    } catch (error) {
      if (isShimError(error, "ENOSPC")) return this.#full(directory);
      if (!isShimError(error)) throw error;
      this.#failed(directory, error.message);
      return false;
    }
  }

  #full(directory: string): boolean {
    if (!this.#isLimitTold) {
      this.#isLimitTold = true;
      this.options.log.warn("watch limit reached, the rest is found by scans", {
        watched: this.#watcher.size,
        first_left_out: directory,
      });
    }
    this.#failed(directory, "watch limit reached");
    return false;
  }

  /** Only declared files are missed; below a root a directory may come and go as it likes. */
  #failed(directory: string, reason: string): void {
    if (!this.#plan.has(directory)) return;
    if (!this.#failures.has(directory)) {
      this.options.log.debug("directory found by scans alone", { directory, reason });
    }
    this.#failures.set(directory, reason);
  }

  #onChange({ directory, name, mask, source, pid }: DirectoryEvent): void {
    const path = join(directory, name);
    if ((mask & IN.isDirectory) !== 0 && name !== "" && this.#isBelowRoot(path)) {
      if ((mask & (IN.delete | IN.movedFrom)) !== 0) this.#forgetBelow(path);
      if ((mask & (IN.create | IN.movedTo)) !== 0) this.#enqueue(path, true);
    }
    const isDeclared = this.#plan.get(directory)?.has(name) === true;
    if (!isDeclared && !this.#isOfInterest(path)) return;
    // A directory that was missing may have come with what changed.
    this.#watchPlan();
    this.#tell(path, detailOf(mask), source, pid);
  }

  #onGone(directory: string): void {
    for (const name of this.#plan.get(directory) ?? []) {
      this.#tell(join(directory, name), "directory gone", "inotify", 0);
    }
    this.#watch(directory);
  }

  #tell(path: string, detail: string, source: SourceName, pid: number): void {
    const { listener, root } = this.options;
    const shown = path.slice(root.length) || "/";
    listener.tell({ category: "files", path: shown, detail, source }, pid);
  }

  #isOfInterest(path: string): boolean {
    return this.#isBelowRoot(path) && !this.options.isNoise(path.slice(this.options.root.length));
  }

  #isBelowRoot(path: string): boolean {
    const { root, watchPaths } = this.options;
    return watchPaths.some((watched) => {
      const top = `${root}${watched}`.replace(/\/+$/, "");
      return path === top || path.startsWith(`${top}/`);
    });
  }

  #forgetBelow(path: string): void {
    for (const directory of this.#watcher.directories()) {
      if (directory === path || directory.startsWith(`${path}/`)) this.#watcher.remove(directory);
    }
  }

  #enqueue(directory: string, isNew: boolean): void {
    if (this.#queue.size >= MAX_DIRECTORIES) return;
    this.#queue.set(directory, isNew || this.#queue.get(directory) === true);
    this.#timer ??= this.options.clock.setTimer(0, () => {
      this.#timer = undefined;
      this.#lookInto();
    });
  }

  /** Watched first and read then, so that nothing comes in between unseen. */
  #lookInto(): void {
    for (const [directory, isNew] of [...this.#queue].slice(0, DIRECTORIES_PER_TURN)) {
      this.#queue.delete(directory);
      if (!this.#isOfInterest(directory) || !this.#watch(directory)) continue;
      for (const { name, type } of this.#list(directory)) {
        const path = join(directory, name);
        if (type === "directory") this.#enqueue(path, isNew);
        else if (isNew && this.#isOfInterest(path)) {
          this.#tell(path, "there with a new directory", "inotify", 0);
        }
      }
    }
  }

  #list(directory: string) {
    try {
      return this.options.shim.files.list(directory, { maxBytes: MAX_LISTING_BYTES });
    } catch (error) {
      if (isShimError(error)) return [];
      throw error;
    }
  }
}

function join(directory: string, name: string): string {
  if (name === "") return directory;
  return directory === "/" ? `/${name}` : `${directory}/${name}`;
}

function detailOf(mask: number): string {
  if ((mask & IN.delete) !== 0) return "removed";
  if ((mask & IN.movedFrom) !== 0) return "moved away";
  if ((mask & IN.movedTo) !== 0) return "moved here";
  if ((mask & IN.closeWrite) !== 0) return "written";
  if ((mask & IN.create) !== 0) return "created";
  return "attributes changed";
}
