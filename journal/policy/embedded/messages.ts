import type { JsonValue } from "../../../common/json/mod.ts";
import type { RegoDocuments, RegoQuestion } from "../../../common/rego/mod.ts";

/** What the evaluator tells its worker. */
export type ToWorker =
  | {
    readonly kind: "load";
    readonly wasm: Uint8Array<ArrayBuffer>;
    readonly data: JsonValue;
  }
  | { readonly kind: "data"; readonly data: JsonValue }
  | { readonly kind: "ask"; readonly id: number; readonly question: RegoQuestion };

/** What the worker answers. */
export type FromWorker =
  | { readonly kind: "loaded"; readonly vclusters: readonly string[] }
  | { readonly kind: "refused"; readonly reason: string }
  | Answer;

/** The end of a question. */
export type Answer =
  | { readonly kind: "answer"; readonly id: number; readonly documents: RegoDocuments }
  | { readonly kind: "failed"; readonly id: number; readonly reason: string };
