import type { Captured, Operation, Outcome, Watch } from "../apply/mod.ts";
import {
  decodeJson,
  encodeJson,
  JsonError,
  type JsonObject,
  JsonReader,
  type JsonValue,
} from "../../contracts/mod.ts";
import {
  type Difference,
  DRIFT_CATEGORIES,
  type DriftCategory,
  itemName,
  type Target,
} from "../drift/mod.ts";
import type { DocumentStore, NamedReason } from "./convergence_types.ts";
import { targetFromJson, targetToJson } from "./value_json.ts";

/*
 * Shell: what things were once the node had converged, which undeclared ones are held against (OBS-9).
 * Owns one document of the store; what it holds is of one boot.
 */

export interface BaselineOptions {
  readonly store: DocumentStore;
  readonly bootId: string;
  readonly watches: readonly Watch[];
  /** Whether a change, by item name, is the work of services that come or go as they shall. */
  readonly isOrdinary: (name: string) => boolean;
}

/** The declared keys of a dimension. */
type DeclaredKeys = (category: DriftCategory) => ReadonlySet<string>;

/** What one watch is held against. */
interface Held {
  readonly targets: Map<string, Target>;
  /** Declared at the last look: what leaves the declaration is taken as it is then. */
  declared: ReadonlySet<string>;
  isCut: boolean;
}

const DOCUMENT = "baseline.json";
const VERSION = 2;
/** Had files alone, in a list of that name. */
const FORMER_VERSION = 1;
const MAX_ENTRIES = 100_000;
/** Contents of files that a rollback can bring back; of others only the hash is known. */
const MAX_CONTENT_BYTES = 64 * 1024;
const MAX_CONTENTS_BYTES = 4 * 1024 * 1024;

export class Baseline {
  readonly #options: BaselineOptions;
  readonly #held = new Map<DriftCategory, Held>();
  #contentBytes = 0;

  /** @throws JsonError when what was kept is not one of ours. */
  constructor(options: BaselineOptions) {
    this.#options = options;
    const text = options.store.load(DOCUMENT);
    if (text === undefined) return;
    const reader = new JsonReader(decodeJson(text), "baseline");
    const version = reader.whole("version");
    if (version !== VERSION && version !== FORMER_VERSION) {
      throw new JsonError("baseline.version", "unknown");
    }
    // What a former boot had was laid anew from the image.
    if (reader.text("boot_id") !== options.bootId) return;
    if (version === FORMER_VERSION) {
      this.#load("files", reader.list("files", MAX_ENTRIES), "path");
      return;
    }
    for (const json of reader.list("dimensions", DRIFT_CATEGORIES.length)) {
      const dimension = new JsonReader(json, "dimension");
      const category = dimension.variant("category", DRIFT_CATEGORIES);
      this.#load(category, dimension.list("items", MAX_ENTRIES), "key");
    }
  }

  /** The part of what is watched that nobody looks at. */
  get limitations(): readonly NamedReason[] {
    return [...this.#held].filter(([, { isCut }]) => isCut).map(([category]) => ({
      name: itemName({ category, key: "undeclared" }),
      reason: category === "files" ? "too many files below watch_paths" : "too many to look at",
    }));
  }

  /** What an undeclared thing was; absent where there was none, undefined before it was recorded. */
  targetOf(category: DriftCategory, key: string): Target | undefined {
    const held = this.#held.get(category);
    return held === undefined ? undefined : held.targets.get(key) ?? ABSENT;
  }

  /** Takes the node as it is, each dimension once in a boot; further calls do nothing. */
  async record(declaredIn: DeclaredKeys): Promise<void> {
    let isNew = false;
    for (const watch of this.#options.watches) {
      const { category } = watch;
      if (this.#held.has(category)) continue;
      const declared = declaredIn(category);
      const found = watch.look(declared);
      if (found === undefined) continue;
      const held: Held = { targets: new Map(), declared, isCut: found.isCut === true };
      this.#held.set(category, held);
      await this.#take(watch, held, found.keys.filter((key) => !declared.has(key)));
      isNew = true;
    }
    if (isNew) this.#save();
  }

  /**
   * How undeclared things are not what they were; none before they were recorded. What services do as
   * they come and go is taken as it is then, unless it has drifted already.
   */
  async differences(
    declaredIn: DeclaredKeys,
    drifted: ReadonlySet<string>,
  ): Promise<Difference[]> {
    const all: Difference[] = [];
    for (const watch of this.#options.watches) {
      const held = this.#held.get(watch.category);
      if (held === undefined) continue;
      const found = await this.#compare(watch, held, declaredIn(watch.category));
      const ordinary = found.filter((difference) => {
        const name = itemName(difference);
        return watch.followsServices && !drifted.has(name) && this.#options.isOrdinary(name);
      });
      if (ordinary.length > 0) await this.#retake(watch, held, ordinary.map(({ key }) => key));
      all.push(...found.filter((difference) => !ordinary.includes(difference)));
    }
    return all;
  }

  /** These are as they shall be from now on, though no declaration says so. */
  async accept(items: readonly { readonly category: DriftCategory; readonly key: string }[]) {
    for (const watch of this.#options.watches) {
      const held = this.#held.get(watch.category);
      const keys = items.filter(({ category }) => category === watch.category)
        .map(({ key }) => key);
      if (held !== undefined && keys.length > 0) await this.#retake(watch, held, keys);
    }
  }

  /** Puts these back to what they were. */
  async revert(category: DriftCategory, operations: readonly Operation[]): Promise<Outcome[]> {
    return await this.#watchOf(category)?.revert(operations) ?? [];
  }

  /** An undeclared thing as it can be declared from now on. */
  capture(difference: Difference): Promise<Captured> {
    const watch = this.#watchOf(difference.category);
    return watch?.capture(difference) ??
      Promise.resolve({ ok: false, reason: "it is not watched any more" });
  }

  /** What stands against reverting. */
  async consumers(
    category: DriftCategory,
    operations: readonly Operation[],
  ): Promise<readonly string[]> {
    return await this.#watchOf(category)?.consumers(operations) ?? [];
  }

  #watchOf(category: DriftCategory): Watch | undefined {
    return this.#options.watches.find((watch) => watch.category === category);
  }

  async #compare(
    watch: Watch,
    held: Held,
    declared: ReadonlySet<string>,
  ): Promise<Difference[]> {
    const found = watch.look(declared);
    if (found === undefined) return [];
    await this.#takeReleased(watch, held, declared);
    held.isCut = found.isCut === true;
    const targets = new Map<string, Target>();
    for (const [key, target] of held.targets) {
      if (!declared.has(key)) targets.set(key, target);
    }
    for (const key of found.keys) {
      // Of a cut list nobody can tell what is new.
      if (held.isCut || declared.has(key) || targets.has(key)) continue;
      if (found.isIncidental?.(key) !== true) targets.set(key, ABSENT);
    }
    return await watch.diff(targets, await watch.observe(targets.keys()));
  }

  /** What is not declared any more is as pact left it: that is no drift. */
  async #takeReleased(watch: Watch, held: Held, declared: ReadonlySet<string>) {
    const released = [...held.declared].filter((key) => !declared.has(key));
    held.declared = declared;
    if (released.length > 0) await this.#retake(watch, held, released);
  }

  async #retake(watch: Watch, held: Held, keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      this.#contentBytes -= contentBytes(held.targets.get(key));
      held.targets.delete(key);
    }
    await this.#take(watch, held, keys);
    this.#save();
  }

  async #take(watch: Watch, { targets }: Held, keys: readonly string[]): Promise<void> {
    for (const [key, observation] of await watch.observe(keys)) {
      if (observation.state !== "present") continue;
      const seen: Target = { state: "present", value: observation.value };
      const kept = await watch.keep?.(key, observation.value);
      const whole: Target = kept === undefined ? seen : { state: "present", value: kept };
      this.#set(targets, key, this.#hasRoom(whole) ? whole : seen);
    }
  }

  #hasRoom(target: Target): boolean {
    const bytes = contentBytes(target);
    return bytes <= MAX_CONTENT_BYTES && this.#contentBytes + bytes <= MAX_CONTENTS_BYTES;
  }

  #set(targets: Map<string, Target>, key: string, target: Target): void {
    targets.set(key, target);
    this.#contentBytes += contentBytes(target);
  }

  #load(category: DriftCategory, items: readonly JsonValue[], keyName: string): void {
    const targets = new Map<string, Target>();
    for (const json of items) {
      const item = new JsonReader(json, "item");
      this.#set(targets, item.text(keyName), targetFromJson(item.value("target")));
    }
    this.#held.set(category, { targets, declared: new Set(), isCut: false });
  }

  #save(): void {
    const { store, bootId } = this.#options;
    const dimensions = [...this.#held].map(([category, { targets }]): JsonObject => ({
      category,
      items: [...targets].map(([key, target]): JsonObject => ({
        key,
        target: targetToJson(target),
      })),
    }));
    store.save(DOCUMENT, encodeJson({ version: VERSION, boot_id: bootId, dimensions }));
  }
}

const ABSENT: Target = { state: "absent" };

function contentBytes(target: Target | undefined): number {
  if (target?.state !== "present" || target.value.kind !== "file") return 0;
  return target.value.content?.byteLength ?? 0;
}
