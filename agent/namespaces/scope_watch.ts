import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import { parseFlatKeyed } from "../../contracts/mod.ts";
import { type Files, isShimError } from "../../ffi/mod.ts";
import type { ControlFileWatch, ControlFileWatcher } from "../isolation/mod.ts";

/*
 * Shell: notices when the scope of an allocation gets its first process and loses its last. Owns one
 * timer and, while the scope is there, one watch; ends by `close`.
 */

export interface ScopeWatchOptions {
  readonly files: Pick<Files, "readText">;
  readonly watcher: ControlFileWatcher;
  readonly clock: Clock;
  /** Absolute path of the scope, which may not be there yet: another program makes it (CG-40). */
  readonly directory: string;
  readonly onChange: (isPopulated: boolean) => void;
}

/** How often to look whether the scope is there, and in case an event was lost (CG-31, WLI-4). */
const LOOK_INTERVAL_MS = 1_000;
const MAX_EVENTS_BYTES = 4_096;

/** Watches one scope. */
export class ScopeWatch {
  #watch: ControlFileWatch | undefined;
  #timer: TimerHandle | undefined;
  #isPopulated = false;
  #isClosed = false;

  constructor(private readonly options: ScopeWatchOptions) {}

  /** As far as it was seen. */
  get isPopulated(): boolean {
    return this.#isPopulated;
  }

  /** Looks, tells what is so already, and goes on watching. */
  start(): void {
    this.#look();
    if (this.#isClosed) return;
    this.#timer = this.options.clock.setTimer(LOOK_INTERVAL_MS, () => this.start());
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
    this.#watch?.close();
  }

  #look(): void {
    const isPopulated = this.#read();
    if (isPopulated === this.#isPopulated || this.#isClosed) return;
    this.#isPopulated = isPopulated;
    this.options.onChange(isPopulated);
  }

  /** A scope that is not there has no processes. */
  #read(): boolean {
    const { files, watcher, directory } = this.options;
    const path = `${directory}/cgroup.events`;
    try {
      this.#watch ??= watcher.watch(path, () => this.#look());
      const text = files.readText(path, { maxBytes: MAX_EVENTS_BYTES });
      return parseFlatKeyed(text, "populated") === 1n;
    } catch (error) {
      if (!isShimError(error, "ENOENT", "ENODEV", "ENOTDIR")) throw error;
      this.#watch?.close();
      this.#watch = undefined;
      return false;
    }
  }
}
