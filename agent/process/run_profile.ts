import type { Shim } from "../../ffi/mod.ts";
import { BEAT_VARIABLE } from "../init/mod.ts";
import type { CoreArguments } from "../start/mod.ts";

/** How this agent runs (CTX-3); decided once at start. */
export type RunProfile = "init" | "guest" | "service" | "rootless";

const MAX_COMMAND_LINE_BYTES = 64 * 1024;

/** The profile of this process; `backend` is the configured one. */
export function runProfile(
  { profile }: CoreArguments,
  env: (name: string) => string | undefined,
  shim: Pick<Shim, "system">,
): RunProfile {
  if (profile === "rootless" || profile === "init") return profile;
  const { effectiveUid, parentPid } = shim.system.ids();
  if (effectiveUid !== 0) return "rootless";
  return env(BEAT_VARIABLE) !== undefined && parentPid === 1 ? "init" : "guest";
}

/** The text of the kernel's command line. */
export function readCommandLine({ files }: Pick<Shim, "files">): string {
  return files.readText("/proc/cmdline", { maxBytes: MAX_COMMAND_LINE_BYTES });
}
