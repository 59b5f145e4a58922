/**
 * Worker that evaluates a compiled policy: what a rule costs is spent here, and ends with the worker.
 * A policy that failed in the middle is loaded anew, because its memory may be in disorder.
 *
 * @module
 */
import { CompiledPolicy } from "../../../common/rego_wasm/mod.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

let wasm: Uint8Array<ArrayBuffer> | undefined;
let data: object = {};
let policy: CompiledPolicy | undefined;

/** Messages are handled one after another, in the order they came. */
let last: Promise<void> = Promise.resolve();

self.onmessage = ({ data: message }: MessageEvent<ToWorker>) => {
  last = last.then(() => handle(message));
};

async function handle(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case "load":
      wasm = message.wasm;
      data = Object(message.data);
      return await load();
    case "data":
      data = Object(message.data);
      policy?.setData(data);
      return;
    case "ask":
      return await ask(message);
  }
}

async function load(): Promise<void> {
  try {
    policy = await fresh();
    answer({ kind: "loaded", vclusters: policy.vclusters() });
  } catch (error) {
    answer({ kind: "refused", reason: reasonOf(error) });
  }
}

async function ask({ id, question }: ToWorker & { readonly kind: "ask" }): Promise<void> {
  try {
    policy ??= await fresh();
    answer({ kind: "answer", id, documents: policy.ask(question) });
  } catch (error) {
    policy = undefined;
    answer({ kind: "failed", id, reason: reasonOf(error) });
  }
}

async function fresh(): Promise<CompiledPolicy> {
  if (wasm === undefined) throw new Error("no policy is loaded");
  const loaded = await CompiledPolicy.load(wasm);
  loaded.setData(data);
  return loaded;
}

function answer(message: FromWorker): void {
  self.postMessage(message);
}

/** What runs a policy throws texts and plain objects, too. */
function reasonOf(error: unknown): string {
  if (typeof error === "string") return error;
  const isSaid = typeof error === "object" && error !== null && "message" in error;
  return isSaid ? String(error.message) : String(error);
}
