/**
 * Notices changes of declared files as they happen. It owns an inotify instance and one timer, and
 * ends by `close`. Scans find what it cannot see; it only makes finding fast (OBS-7).
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  type EventPump,
  type FileEvent,
  IN,
  type Inotify,
  isShimError,
  type Shim,
} from "../../ffi/mod.ts";
import { type WatchPlan, watchPlan } from "./watch_plan.ts";

/** Changes within this time are noticed together (OBS-5). */
const COALESCE_MS = 250;
/** Most directories watched; the rest is covered by scans (OBS-4). */
const MAX_WATCHES = 4096;

const MASK = IN.closeWrite | IN.attrib | IN.create | IN.delete | IN.movedFrom | IN.movedTo |
  IN.deleteSelf | IN.moveSelf | IN.dontFollow | IN.onlyDirectory;
/** The watched directory itself is gone, and its watch with it. */
const LOST = IN.deleteSelf | IN.moveSelf | IN.ignored;

/** What the observer works with. */
export interface FileObserverOptions {
  readonly shim: Pick<Shim, "openInotify">;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  /** Something that matters has changed, or may have. */
  readonly onChange: () => void;
}

/** A running observer. */
export interface FileObserver {
  /** Watches for changes of these files, and of no others. */
  observe(paths: Iterable<string>): void;
  /** Why some declared files are found by scans alone; empty when all are watched. */
  readonly unwatched: readonly string[];
  close(): void;
}

/** Opens an observer that watches nothing yet. */
export function openFileObserver(options: FileObserverOptions): FileObserver {
  return new Observer(options);
}

class Observer implements FileObserver {
  readonly #inotify: Inotify;
  /** Directory and watch number, both ways. */
  readonly #watches = new Map<string, number>();
  readonly #directories = new Map<number, string>();
  readonly #failures = new Map<string, string>();
  #plan: WatchPlan = new Map();
  #timer: TimerHandle | undefined;

  constructor(private readonly options: FileObserverOptions) {
    this.#inotify = options.shim.openInotify(options.events, (event) => this.#onEvent(event));
  }

  get unwatched(): readonly string[] {
    return [...this.#failures].map(([directory, reason]) => `${directory}: ${reason}`);
  }

  observe(paths: Iterable<string>): void {
    this.#plan = watchPlan(paths);
    for (const [directory, watch] of this.#watches) {
      if (!this.#plan.has(directory)) this.#forget(directory, watch);
    }
    for (const directory of this.#failures.keys()) {
      if (!this.#plan.has(directory)) this.#failures.delete(directory);
    }
    for (const directory of this.#plan.keys()) this.#watch(directory);
  }

  close(): void {
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#inotify.close();
  }

  #watch(directory: string): void {
    if (this.#watches.has(directory)) return;
    try {
      if (this.#watches.size >= MAX_WATCHES) {
        throw new RangeError(`more than ${MAX_WATCHES} directories`);
      }
      const watch = this.#inotify.add(directory, MASK);
      this.#watches.set(directory, watch);
      this.#directories.set(watch, directory);
      this.#failures.delete(directory);
    } catch (error) {
      if (!isShimError(error) && !(error instanceof RangeError)) throw error;
      if (!this.#failures.has(directory)) {
        this.options.log.debug("directory found by scans alone", {
          directory,
          reason: error.message,
        });
      }
      this.#failures.set(directory, error.message);
    }
  }

  #forget(directory: string, watch: number): void {
    this.#watches.delete(directory);
    this.#directories.delete(watch);
    this.#inotify.remove(watch);
  }

  #onEvent({ watch, mask, name }: FileEvent): void {
    if ((mask & IN.queueOverflow) !== 0) return this.#changed();
    const directory = this.#directories.get(watch);
    if (directory === undefined) return;
    if ((mask & LOST) !== 0) {
      this.#watches.delete(directory);
      this.#directories.delete(watch);
      return this.#changed();
    }
    if (this.#plan.get(directory)?.has(name) === true) this.#changed();
  }

  /** Tells of a burst once; directories that have come back are watched again by then. */
  #changed(): void {
    this.#timer ??= this.options.clock.setTimer(COALESCE_MS, () => {
      this.#timer = undefined;
      for (const directory of this.#plan.keys()) this.#watch(directory);
      this.options.onChange();
    });
  }
}
