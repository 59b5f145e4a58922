import { type EventPump, type FileEvent, IN, type Inotify, type Shim } from "../../ffi/mod.ts";

/*
 * Shell: owns one inotify instance, opened with the first watch. Ends by `close`.
 */

/** Told of every change of a control file; closing it is repeatable. */
export interface ControlFileWatch {
  close(): void;
}

/** Notices changes of cgroup.events and memory.events without looking at them all the time (CG-31). */
export interface ControlFileWatcher {
  /**
   * Calls back after each change of the file, until closed or the cgroup is gone.
   *
   * @throws {ShimError} ENOENT for a file that is not there, ENOSPC and EMFILE at the kernel's limits
   */
  watch(path: string, onChange: () => void): ControlFileWatch;
  close(): void;
}

const GONE = IN.deleteSelf | IN.ignored;

/** A watcher whose events come through the pump. */
export function openControlFileWatcher(
  shim: Pick<Shim, "openInotify">,
  events: EventPump,
): ControlFileWatcher {
  return new Watcher(shim, events);
}

class Watcher implements ControlFileWatcher {
  readonly #shim: Pick<Shim, "openInotify">;
  readonly #events: EventPump;
  readonly #listeners = new Map<number, Set<() => void>>();
  #inotify: Inotify | null = null;

  constructor(shim: Pick<Shim, "openInotify">, events: EventPump) {
    this.#shim = shim;
    this.#events = events;
  }

  watch(path: string, onChange: () => void): ControlFileWatch {
    this.#inotify ??= this.#shim.openInotify(this.#events, (event) => this.#onEvent(event));
    const watch = this.#inotify.add(path, IN.modify | IN.deleteSelf);
    // One file has one number, however often it is asked for.
    const listeners = this.#listeners.get(watch) ?? new Set();
    const listener = () => onChange();
    this.#listeners.set(watch, listeners.add(listener));
    return {
      close: () => {
        if (!listeners.delete(listener) || listeners.size > 0) return;
        if (this.#listeners.get(watch) !== listeners) return;
        this.#listeners.delete(watch);
        this.#inotify?.remove(watch);
      },
    };
  }

  close(): void {
    this.#listeners.clear();
    this.#inotify?.close();
    this.#inotify = null;
  }

  #onEvent({ watch, mask }: FileEvent): void {
    const lost = (mask & IN.queueOverflow) !== 0;
    const listeners = lost
      ? [...this.#listeners.values()].flatMap((all) => [...all])
      : [...this.#listeners.get(watch) ?? []];
    if ((mask & GONE) !== 0) this.#listeners.delete(watch);
    for (const listener of listeners) listener();
  }
}
