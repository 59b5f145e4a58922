import type { EventPump } from "./events.ts";
import { check, isErrno } from "./shim_error.ts";
import { type SignalName, signalNumber } from "./signals.ts";
import type { Library } from "./symbols.ts";

/*
 * Shell: owns our end of a pseudo terminal, and the program's end until `closeProgramEnd`. Ends by
 * `close`; what waits for bytes or for room then sees the end.
 */

/** Rows and columns, 1..65535 each. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

/** A terminal with programs at its other end. */
export interface Terminal {
  /** For the `stdin`, `stdout` and `stderr` of a spawn with `terminal`. */
  readonly programEnd: number;
  /** To be called once the program has its end: only then can its end be noticed. Repeatable. */
  closeProgramEnd(): void;
  /** The next bytes that programs wrote, at most `maxBytes`; null at the end. Not calling stops the
   * programs once the kernel's buffer is full (back-pressure). One call at a time. */
  read(maxBytes: number): Promise<Uint8Array | null>;
  /** Types all of it; false when the terminal was closed first. Waits while no program reads. One call at a
   * time. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** Sets the size; the programs in the foreground get SIGWINCH. */
  resize(size: TerminalSize): void;
  /** Sends a signal to the process group in the foreground; false when there is none. */
  signalForeground(name: SignalName): boolean;
  /** Closes our end: the kernel hangs up on the programs (SIGHUP). Repeatable. */
  close(): void;
}

/** Opens a terminal. */
export function openTerminal(library: Library, pump: EventPump, size: TerminalSize): Terminal {
  const programEnd = new Int32Array(1);
  const opened = library.pact_shim_terminal_open(size.rows, size.columns, programEnd);
  const fd = check(opened, "open", "/dev/ptmx");
  const [end = -1] = programEnd;
  // An epoll knows a descriptor once, and reading must not wait for writing.
  const writingFd = library.pact_shim_duplicate(fd);
  if (writingFd < 0) {
    library.pact_shim_close(fd);
    library.pact_shim_close(end);
    check(writingFd, "fcntl", "terminal");
  }
  return new OpenTerminal(library, pump, { fd, writingFd, programEnd: end });
}

interface Descriptors {
  readonly fd: number;
  readonly writingFd: number;
  readonly programEnd: number;
}

class OpenTerminal implements Terminal {
  readonly programEnd: number;
  readonly #fd: number;
  readonly #writingFd: number;
  #isProgramEndOpen = true;
  #isClosed = false;
  readonly #waits = new Set<() => void>();

  constructor(
    private readonly library: Library,
    private readonly pump: EventPump,
    { fd, writingFd, programEnd }: Descriptors,
  ) {
    this.#fd = fd;
    this.#writingFd = writingFd;
    this.programEnd = programEnd;
  }

  closeProgramEnd(): void {
    if (!this.#isProgramEndOpen) return;
    this.#isProgramEndOpen = false;
    check(this.library.pact_shim_close(this.programEnd), "close", "terminal");
  }

  async read(maxBytes: number): Promise<Uint8Array | null> {
    const buffer = new Uint8Array(maxBytes);
    while (!this.#isClosed) {
      const result = this.library.pact_shim_terminal_read(this.#fd, buffer, maxBytes);
      if (!isErrno(result, "EAGAIN")) {
        const got = check(result, "read", "terminal");
        return got === 0 ? null : buffer.slice(0, got);
      }
      await this.#until(this.#fd, false);
    }
    return null;
  }

  async write(bytes: Uint8Array): Promise<boolean> {
    let at = 0;
    while (at < bytes.byteLength && !this.#isClosed) {
      const rest = bytes.slice(at);
      const result = this.library.pact_shim_terminal_write(
        this.#writingFd,
        rest,
        rest.byteLength,
      );
      if (isErrno(result, "EAGAIN")) {
        await this.#until(this.#writingFd, true);
        continue;
      }
      const taken = check(result, "write", "terminal");
      if (taken === 0) return false;
      at += taken;
    }
    return at === bytes.byteLength;
  }

  resize({ rows, columns }: TerminalSize): void {
    check(this.library.pact_shim_terminal_resize(this.#fd, rows, columns), "ioctl", "TIOCSWINSZ");
  }

  signalForeground(name: SignalName): boolean {
    const result = this.library.pact_shim_terminal_signal(this.#fd, signalNumber(name));
    if (isErrno(result, "ESRCH")) return false;
    check(result, "kill", "foreground process group");
    return true;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const wake of this.#waits) wake();
    this.closeProgramEnd();
    check(this.library.pact_shim_close(this.#writingFd), "close", "terminal");
    check(this.library.pact_shim_close(this.#fd), "close", "terminal");
  }

  /** Resolves when the descriptor is ready, or the terminal closed. */
  async #until(fd: number, writable: boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const watch = this.pump.watch(fd, () => resolve(), { once: true, writable });
    const wake = () => {
      watch.close();
      resolve();
    };
    this.#waits.add(wake);
    await promise;
    this.#waits.delete(wake);
    if (!this.#isClosed) watch.close();
  }
}
