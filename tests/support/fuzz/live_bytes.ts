import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Memory of this isolate that is still in use. How much a process holds says less of what is kept:
 * when garbage is freed depends on how busy the machine is.
 */
export function liveBytes(): number {
  setFlagsFromString("--expose-gc");
  const collectGarbage: unknown = runInNewContext("gc");
  if (typeof collectGarbage !== "function") throw new Error("no garbage collector to be called");
  collectGarbage();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
