/** Rows and columns of a terminal. */
export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

/** Standard input as it is typed, and the terminal it is typed at. */
export interface Keyboard {
  /** What is typed next, as it comes; undefined at the end. One call at a time. */
  read(): Promise<Uint8Array | undefined>;
  /** Size of the terminal; undefined where there is none. */
  size(): WindowSize | undefined;
  /** Calls back when the terminal has another size, until the answered function is called. */
  onResize(listener: () => void): () => void;
  /** Passes every key on as it is pressed, Ctrl-C too, until the answered function is called. */
  makeRaw(): () => void;
  /** Calls back when the process is to end (SIGTERM, SIGHUP), until the answered function is called. */
  onTermination(listener: () => void): () => void;
}

const CHUNK_BYTES = 32 * 1024;

/** The keyboard of this process. */
export function denoKeyboard(): Keyboard {
  const buffer = new Uint8Array(CHUNK_BYTES);
  return {
    async read() {
      const count = await Deno.stdin.read(buffer);
      return count === null ? undefined : buffer.slice(0, count);
    },
    size() {
      try {
        return Deno.consoleSize();
      } catch {
        // None of the standard streams is a terminal.
        return undefined;
      }
    },
    onResize: (listener) => listen(["SIGWINCH"], listener),
    makeRaw() {
      if (!Deno.stdin.isTerminal()) return () => {};
      Deno.stdin.setRaw(true);
      let isRaw = true;
      const restore = () => {
        if (!isRaw) return;
        isRaw = false;
        globalThis.removeEventListener("unload", restore);
        Deno.stdin.setRaw(false);
      };
      // Also when the process ends in a way that nobody thought of.
      globalThis.addEventListener("unload", restore);
      return restore;
    },
    onTermination: (listener) => listen(["SIGTERM", "SIGHUP"], listener),
  };
}

function listen(signals: readonly Deno.Signal[], listener: () => void): () => void {
  for (const signal of signals) Deno.addSignalListener(signal, listener);
  return () => {
    for (const signal of signals) Deno.removeSignalListener(signal, listener);
  };
}
