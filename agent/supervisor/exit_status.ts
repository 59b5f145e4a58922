import { signalName } from "../../ffi/mod.ts";

/** How a main process ended; `unknown` for one that was not this agent's child (INI-32). */
export type ExitStatus =
  | { readonly kind: "code"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: number; readonly coreDumped: boolean }
  | {
    readonly kind: "oom";
    /** memory.max, as in `128M`. */
    readonly limitText: string;
    /** memory.peak. */
    readonly peakText: string;
  }
  | { readonly kind: "unknown" };

/** Whether the restart policy OnFailure counts it as a failure. */
export function isFailure(status: ExitStatus): boolean {
  return status.kind !== "code" || status.code !== 0;
}

/** What people read in a status or an audit event. */
export function exitText(status: ExitStatus): string {
  switch (status.kind) {
    case "code":
      return `exited with code ${status.code}`;
    case "signal":
      return `killed by ${signalName(status.signal)}${status.coreDumped ? " (core dumped)" : ""}`;
    case "oom":
      return `killed by OOM (limit ${status.limitText})`;
    case "unknown":
      return "exited with unknown status";
  }
}
