import type { Process } from "./processes.ts";
import type { ExitStatus } from "./exit_status.ts";
import { check, isErrno, ShimError } from "./shim_error.ts";
import type { Library } from "./symbols.ts";

/*
 * Shell: owns an epoll instance and an eventfd, and keeps exactly one call waiting on a thread of the
 * blocking pool. Ends by `close`, which wakes that call and resolves when it returned.
 */

const CAPACITY = 128;
const EVENT_BYTES = 16;
/** enum pact_events_flag. */
const ONCE = 1;
const URGENT = 2;
const WRITABLE = 4;

/** A watched descriptor; closing the watch leaves the descriptor open. Repeatable. */
export interface Watch {
  close(): void;
}

/** What a watch waits for. */
export interface WatchOptions {
  readonly once?: boolean;
  readonly urgent?: boolean;
  readonly writable?: boolean;
}

/** Waits on descriptors that the runtime's own loop does not know: pidfds, inotify, netlink. */
export interface EventPump {
  /** Calls `onReady` with the epoll(7) bits on the main thread whenever `fd` is readable, with `urgent`
   * whenever it has urgent news instead, with `writable` whenever it has room, or a single time with
   * `once`. Level-triggered: without `once` the handler must drain the descriptor. Close the watch
   * before the descriptor. Throws EEXIST when the descriptor is watched already. */
  watch(
    fd: number,
    onReady: (events: number) => void,
    options?: WatchOptions,
  ): Watch;
  /** Resolves when the process ended, with its status consumed (SUP-5: no polling). The signal ends
   * the waiting, not the process; so does closing the pump (ECANCELED). */
  exitOf(process: Process, options?: { signal?: AbortSignal }): Promise<ExitStatus>;
  /** Calls back after SIGCHLD, several of them as one: the moment to `reapOrphans`. One per process. */
  watchChildren(onSignal: () => void): Watch;
  /** Ends the waiting and every watch. Repeatable. */
  close(): Promise<void>;
}

/** The state that the pump's parts share. */
class Pump implements EventPump {
  readonly #library: Library;
  readonly #onHandlerError: (error: unknown) => void;
  readonly #epollFd: number;
  readonly #wakeFd: number;
  readonly #handlers = new Map<bigint, (events: number) => void>();
  /** Rejects each exit that is waited for. */
  readonly #pendingExits = new Set<(reason: unknown) => void>();
  readonly #waiting: Promise<void>;
  #nextTag = 0n;
  #closed: Promise<void> | null = null;

  constructor(library: Library, onHandlerError: (error: unknown) => void) {
    this.#library = library;
    this.#onHandlerError = onHandlerError;
    this.#epollFd = check(library.pact_shim_events_open(), "epoll_create1");
    this.#wakeFd = check(library.pact_shim_wake_open(), "eventfd");
    const wakeTag = 0xffff_ffff_ffff_ffffn;
    const added = library.pact_shim_events_add(this.#epollFd, this.#wakeFd, wakeTag, 0);
    check(added, "epoll_ctl", "wake descriptor");
    this.#waiting = this.#wait();
  }

  watch(
    fd: number,
    onReady: (events: number) => void,
    options: WatchOptions = {},
  ): Watch {
    if (this.#closed !== null) throw ShimError.of("EBADF", "epoll_ctl", "closed event pump");
    const tag = this.#nextTag++;
    const flags = (options.once === true ? ONCE : 0) | (options.urgent === true ? URGENT : 0) |
      (options.writable === true ? WRITABLE : 0);
    // Before the kernel knows the tag, so that no event can find it without a handler.
    this.#handlers.set(tag, onReady);
    const added = this.#library.pact_shim_events_add(this.#epollFd, fd, tag, flags);
    if (added < 0) this.#handlers.delete(tag);
    check(added, "epoll_ctl", `descriptor ${fd}`);
    return { close: () => this.#unwatch(fd, tag) };
  }

  exitOf(process: Process, options: { signal?: AbortSignal } = {}): Promise<ExitStatus> {
    return new Promise((resolve, reject) => {
      options.signal?.throwIfAborted();
      const end = (settle: () => void) => {
        watch.close();
        this.#pendingExits.delete(give);
        options.signal?.removeEventListener("abort", aborted);
        settle();
      };
      const give = (reason: unknown) => end(() => reject(reason));
      const aborted = () => give(options.signal?.reason);
      const ended = () => {
        try {
          const status = process.exitStatus() ?? { kind: "unknown" };
          end(() => resolve(status));
        } catch (error) {
          give(error);
        }
      };
      const watch = this.watch(process.pidfd, ended, { once: true });
      this.#pendingExits.add(give);
      options.signal?.addEventListener("abort", aborted, { once: true });
    });
  }

  watchChildren(onSignal: () => void): Watch {
    const fd = check(this.#library.pact_shim_wake_open(), "eventfd");
    const watch = this.watch(fd, () => {
      this.#library.pact_shim_wake_drain(fd);
      onSignal();
    });
    check(this.#library.pact_shim_child_signal(fd), "sigaction", "SIGCHLD");
    let open = true;
    return {
      close: () => {
        if (!open) return;
        open = false;
        check(this.#library.pact_shim_child_signal(-1), "sigaction", "SIGCHLD");
        watch.close();
        check(this.#library.pact_shim_close(fd), "close");
      },
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    check(this.#library.pact_shim_events_wake(this.#wakeFd), "eventfd");
    await this.#waiting;
    for (const give of this.#pendingExits) {
      give(ShimError.of("ECANCELED", "exit", "event pump closed"));
    }
    this.#handlers.clear();
    this.#library.pact_shim_close(this.#epollFd);
    this.#library.pact_shim_close(this.#wakeFd);
  }

  #unwatch(fd: number, tag: bigint): void {
    if (!this.#handlers.delete(tag) || this.#closed !== null) return;
    const removed = this.#library.pact_shim_events_remove(this.#epollFd, fd);
    // A descriptor closed before its watch is out of the epoll already.
    if (isErrno(removed, "EBADF", "ENOENT")) return;
    check(removed, "epoll_ctl", `descriptor ${fd}`);
  }

  async #wait(): Promise<void> {
    const ready = new Uint8Array(CAPACITY * EVENT_BYTES);
    const view = new DataView(ready.buffer);
    const forever = -1;
    while (this.#closed === null) {
      const result = await this.#library.pact_shim_events_wait(
        this.#epollFd,
        this.#wakeFd,
        forever,
        ready,
        CAPACITY,
      );
      const count = check(result, "epoll_wait");
      for (let index = 0; index < count && this.#closed === null; index++) {
        const at = index * EVENT_BYTES;
        this.#dispatch(view.getBigUint64(at, true), view.getUint32(at + 8, true));
      }
    }
  }

  #dispatch(tag: bigint, events: number): void {
    try {
      this.#handlers.get(tag)?.(events);
    } catch (error) {
      this.#onHandlerError(error);
    }
  }
}

/** Starts a pump. An error thrown by a handler goes to `onHandlerError` and the pump goes on. */
export function startEventPump(
  library: Library,
  onHandlerError: (error: unknown) => void,
): EventPump {
  return new Pump(library, onHandlerError);
}
