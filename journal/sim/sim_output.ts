import { systemClock } from "../../common/clock/mod.ts";
import type { SimOutput } from "./command.ts";

/** Standard output and a file that is written to at once, line by line. */
export function simOutput(): SimOutput {
  const encoder = new TextEncoder();
  return {
    print: (text) => console.log(text),
    openTrace: (path) => {
      const file = Deno.openSync(path, { write: true, create: true, truncate: true });
      return {
        write: (text) => {
          let rest = encoder.encode(text);
          while (rest.length > 0) rest = rest.subarray(file.writeSync(rest));
        },
        close: () => file.close(),
      };
    },
    monotonicMs: systemClock.monotonicMs,
  };
}
