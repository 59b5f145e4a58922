import type { StorageErrorKind } from "../storage/mod.ts";
import type { LogRecord } from "./replicated_log.ts";

/** Bounds of one append to the file: what does not fit waits for the next. */
export const BATCH_MAX_RECORDS = 512;
export const BATCH_MAX_BYTES = 4 * 1024 * 1024;

/** What the log asks of its worker. Answers come in the order of the questions. */
export type LogRequest =
  | { readonly kind: "open"; readonly path: string }
  | { readonly kind: "append"; readonly payloads: readonly Uint8Array[] }
  | { readonly kind: "read"; readonly fromIndex: bigint }
  | { readonly kind: "compact"; readonly toIndex: bigint }
  | { readonly kind: "close" };

/** What the file holds after it was opened or changed. */
export interface LogExtent {
  readonly term: bigint;
  readonly firstIndex: bigint;
  readonly lastIndex: bigint;
}

/** What the worker answers. */
export type LogResponse =
  | { readonly kind: "extent"; readonly extent: LogExtent }
  | { readonly kind: "records"; readonly records: readonly LogRecord[] }
  | {
    readonly kind: "error";
    readonly storage: StorageErrorKind;
    readonly path: string;
    readonly detail: string;
    readonly position: string | undefined;
  };
