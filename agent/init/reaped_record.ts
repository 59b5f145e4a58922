import { type Files, isShimError } from "../../ffi/mod.ts";
import { endOf, parseReaped, type ReapedEnd } from "./reaped.ts";

/** PID 1 keeps 16 KiB. */
const MAX_BYTES = 64 * 1024;

/** What PID 1 knows of processes that were its children for a while. */
export interface ReapedRecord {
  /** How a process ended that no agent was the parent of; undefined when nobody knows. */
  endOf(run: { readonly pid: number; readonly startTicks: bigint }): ReapedEnd | undefined;
}

/** The record at `path`; read anew for each question. */
export function openReapedRecord(files: Pick<Files, "readText">, path: string): ReapedRecord {
  return {
    endOf: (run) => {
      try {
        return endOf(parseReaped(files.readText(path, { maxBytes: MAX_BYTES })), run);
      } catch (error) {
        if (isShimError(error)) return undefined;
        throw error;
      }
    },
  };
}
