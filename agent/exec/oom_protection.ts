import type { Shim } from "../../ffi/mod.ts";

/** The agent's protection is inherited, and is not for what people start (SUP-23). */
export function isProtectedFromOom({ files }: Shim): boolean {
  return Number(files.readText("/proc/self/oom_score_adj", { maxBytes: 64 })) < 0;
}
