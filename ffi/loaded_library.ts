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
  /** From the first call of a function until `close` those of the library itself, so that a call costs no
   * more than without. */
  readonly symbols: Library;
  /** From here on every call throws ShimClosedError. Unloads the library as soon as the last call that
   * is on another thread returned. Repeatable. */
  close(): void;
}

/** Looks up functions of the library, which stays loaded until everything that was returned is closed. */
export type LoadFunctions = (
  symbols: Readonly<Record<string, Deno.ForeignFunction>>,
) => Pick<Deno.DynamicLibrary<Record<string, Deno.ForeignFunction>>, "symbols" | "close">;

/**
 * Owns a library. Each function is looked up when it is first wanted: the runtime makes machine code for
 * each, which for all of them takes longer than the rest of a start that needs a third of them.
 */
export function ownLibrary(load: LoadFunctions): LoadedLibrary {
  const parts: { close(): void }[] = [];
  const symbols: object = {};
  let underWay = 0;
  let closed = false;
  let childSignal: CallableFunction | undefined;

  const unloadIfDone = () => {
    if (!closed || underWay > 0) return;
    // The handler of SIGCHLD is code of the library, should somebody have left it in place.
    childSignal?.(-1);
    for (const part of parts.splice(0)) part.close();
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
  const lookUp = (name: string, symbol: Deno.ForeignFunction): unknown => {
    const part = load({ [name]: symbol });
    parts.push(part);
    const call: unknown = part.symbols[name];
    if (typeof call !== "function") return call;
    if (name === "pact_shim_child_signal") childSignal = call;
    return symbol.nonblocking === true ? counted(call) : call;
  };

  for (const [name, symbol] of Object.entries<Deno.ForeignFunction>(SYMBOLS)) {
    const get = () => {
      const value = lookUp(name, symbol);
      Object.defineProperty(symbols, name, { value, configurable: true, enumerable: true });
      return value;
    };
    Object.defineProperty(symbols, name, { get, configurable: true, enumerable: true });
  }
  if (!isComplete(symbols)) throw new TypeError("a function of the library is missing");
  return {
    symbols,
    close: () => {
      if (closed) return;
      closed = true;
      for (const name of Object.keys(SYMBOLS)) {
        const value = () => {
          throw new ShimClosedError(name);
        };
        Object.defineProperty(symbols, name, { value });
      }
      unloadIfDone();
    },
  };
}

function isComplete(symbols: object): symbols is Library {
  return Object.keys(SYMBOLS).every((name) => name in symbols);
}
