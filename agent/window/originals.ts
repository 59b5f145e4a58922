import { decodeJson, encodeJson, JsonError, JsonReader } from "../../contracts/mod.ts";
import type { ItemValue, Target } from "../drift/mod.ts";
import type { DocumentStore } from "./convergence_types.ts";
import { targetFromJson, targetToJson } from "./value_json.ts";

const DOCUMENT = "originals.json";
const VERSION = 1;
const MAX_ENTRIES = 100_000;
/** All contents together; what no longer fits is left as it is when it is released. */
const MAX_CONTENT_BYTES = 4 * 1024 * 1024;

/**
 * What was there before pact first managed a key, so that taking it out of the declaration can put
 * it back (RBK-1, APL-2). Shell: owns one document of the store.
 */
export class Originals {
  readonly #store: DocumentStore;
  readonly #targets = new Map<string, Target>();
  #contentBytes = 0;
  #changed = false;

  /** @throws JsonError when the document is not one of ours. */
  constructor(store: DocumentStore) {
    this.#store = store;
    const text = store.load(DOCUMENT);
    if (text === undefined) return;
    const reader = new JsonReader(decodeJson(text), "originals");
    if (reader.whole("version") !== VERSION) throw new JsonError("originals.version", "unknown");
    for (const json of reader.list("originals", MAX_ENTRIES)) {
      const entry = new JsonReader(json, "original");
      this.#set(entry.text("name"), targetFromJson(entry.value("target")));
    }
    this.#changed = false;
  }

  has(name: string): boolean {
    return this.#targets.has(name);
  }

  get(name: string): Target | undefined {
    return this.#targets.get(name);
  }

  /** Remembers what was there; nothing when it is known already or would be too much. */
  remember(name: string, value: ItemValue | undefined): void {
    if (this.#targets.has(name)) return;
    if (this.#contentBytes + contentBytes(value) > MAX_CONTENT_BYTES) return;
    this.#set(name, value === undefined ? { state: "absent" } : { state: "present", value });
  }

  forget(name: string): void {
    const target = this.#targets.get(name);
    if (target === undefined) return;
    this.#targets.delete(name);
    this.#contentBytes -= contentBytes(target.state === "present" ? target.value : undefined);
    this.#changed = true;
  }

  /** Writes the document if something changed. */
  save(): void {
    if (!this.#changed) return;
    const originals = [...this.#targets].map(([name, target]) => ({
      name,
      target: targetToJson(target),
    }));
    this.#store.save(DOCUMENT, encodeJson({ version: VERSION, originals }));
    this.#changed = false;
  }

  #set(name: string, target: Target): void {
    this.#targets.set(name, target);
    this.#contentBytes += contentBytes(target.state === "present" ? target.value : undefined);
    this.#changed = true;
  }
}

function contentBytes(value: ItemValue | undefined): number {
  return value?.kind === "file" ? value.content?.byteLength ?? 0 : 0;
}
