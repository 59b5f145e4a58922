import { type Library, SYMBOLS } from "./symbols.ts";

/*
 * Shell: owns the loaded library. Ends by `close`, which unloads it once no call is on its way: code that
 * is gone must not be called, nor vanish from under a thread that runs it.
 */

/** A function of the native library was called after `Shim.close`. */
export class ShimClosedError extends Error {
  override readonly name = "ShimClosedError";
  /** Stable. */
  readonly code = "SHIM_CLOSED";
  constructor(readonly symbol: string) {
    super(`${symbol}: the native library was closed before this call`);
  }
}

/** The library, and the way to be done with it. */
export interface LoadedLibrary {
  /** Those of the library itself until `close`, so that a call costs no more than without. */
  readonly symbols: Library;
  /** From here on every call throws ShimClosedError. Unloads the library as soon as the last call that
   * is on another thread returned. Repeatable. */
  close(): void;
}

/** Takes over a library just loaded. */
export function ownLibrary(library: Deno.DynamicLibrary<typeof SYMBOLS>): LoadedLibrary {
  const symbols = { ...library.symbols };
  let underWay = 0;
  let closed = false;

  const unloadIfDone = () => {
    if (!closed || underWay > 0) return;
    // The handler of SIGCHLD is code of the library, should somebody have left it in place.
    library.symbols.pact_shim_child_signal(-1);
    library.close();
  };
  const replace = (name: string, call: (...args: unknown[]) => unknown) => {
    Object.defineProperty(symbols, name, { value: call });
  };
  const counted = (call: CallableFunction) => async (...args: unknown[]): Promise<unknown> => {
    underWay++;
    try {
      return await Reflect.apply(call, undefined, args);
    } finally {
      underWay--;
      unloadIfDone();
    }
  };

  for (const [name, symbol] of Object.entries(SYMBOLS)) {
    const call: unknown = Reflect.get(symbols, name);
    if ("nonblocking" in symbol && typeof call === "function") replace(name, counted(call));
  }
  return {
    symbols,
    close: () => {
      if (closed) return;
      closed = true;
      for (const name of Object.keys(SYMBOLS)) {
        replace(name, () => {
          throw new ShimClosedError(name);
        });
      }
      unloadIfDone();
    },
  };
}
