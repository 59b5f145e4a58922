import type { EntryId } from "../raft/mod.ts";
import type { StorageErrorKind } from "../storage/mod.ts";
import type { PlaceBase, WalRecovered } from "./wal.ts";

/** What the log's worker is asked. Answers come in the order of the questions. */
export type WalRequest =
  | { readonly kind: "open"; readonly directory: string; readonly segmentMaxBytes: number }
  | { readonly kind: "write"; readonly writes: readonly Uint8Array[]; readonly sync: boolean }
  | { readonly kind: "compact"; readonly id: EntryId }
  | { readonly kind: "close" };

/** What the worker answers. */
export type WalResponse =
  | { readonly kind: "opened"; readonly recovered: WalRecovered }
  | { readonly kind: "written"; readonly bases: readonly PlaceBase[] }
  | { readonly kind: "done" }
  | {
    readonly kind: "error";
    readonly storage: StorageErrorKind;
    readonly path: string;
    readonly detail: string;
    readonly position: string | undefined;
  };
