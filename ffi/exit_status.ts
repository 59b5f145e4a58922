import { signalName } from "./signals.ts";

/** How a process ended. `unknown`: it is gone, and its status was not ours to read (not a child). */
export type ExitStatus =
  | { readonly kind: "exited"; readonly code: number }
  | {
    readonly kind: "signaled";
    readonly signal: number;
    readonly signalName: string;
    readonly coreDumped: boolean;
  }
  | { readonly kind: "unknown" };

/** An orphan that was reaped, with how it ended. */
export interface ReapedProcess {
  readonly pid: number;
  readonly status: ExitStatus;
}

/** int32 fields of struct pact_exit. */
export const EXIT_FIELDS = 3;

const EXIT_CODE = 1;
const EXIT_CORE_DUMPED = 3;

/** Decodes the struct pact_exit at an index of an array of them. */
export function decodeExit(fields: Int32Array, index: number): ReapedProcess {
  const at = index * EXIT_FIELDS;
  const [pid = 0, kind = 0, value = 0] = fields.subarray(at, at + EXIT_FIELDS);
  return {
    pid,
    status: kind === EXIT_CODE ? { kind: "exited", code: value } : signaled(kind, value),
  };
}

function signaled(kind: number, signal: number): ExitStatus {
  const coreDumped = kind === EXIT_CORE_DUMPED;
  return { kind: "signaled", signal, signalName: signalName(signal), coreDumped };
}
