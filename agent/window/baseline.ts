import type { ByKey, Dimension } from "../apply/mod.ts";
import {
  decodeJson,
  encodeJson,
  JsonError,
  type JsonObject,
  JsonReader,
} from "../../contracts/mod.ts";
import {
  type Difference,
  type FileItemValue,
  itemName,
  type Observation,
  type Target,
} from "../drift/mod.ts";
import type { DocumentStore, NamedReason, WatchedFiles } from "./convergence_types.ts";
import { targetFromJson, targetToJson } from "./value_json.ts";

/*
 * Shell: what watched files were once the node had converged, which undeclared ones are held against
 * (OBS-9). Owns one document of the store; what it holds is of one boot.
 */

export interface BaselineOptions {
  readonly store: DocumentStore;
  readonly bootId: string;
  readonly files: Dimension;
  readonly watched: () => WatchedFiles;
}

const DOCUMENT = "baseline.json";
const VERSION = 1;
const MAX_ENTRIES = 100_000;
/** Contents that a rollback can bring back; of others only the hash is known. */
const MAX_CONTENT_BYTES = 64 * 1024;
const MAX_CONTENTS_BYTES = 4 * 1024 * 1024;
const READABLE_BY_ALL = 0o004;
const NAME = itemName({ category: "files", key: "undeclared" });

export class Baseline {
  readonly #options: BaselineOptions;
  #targets: Map<string, Target> | undefined;
  /** Declared at the last look: what leaves the declaration is taken as it is then. */
  #declared: ReadonlySet<string> = new Set();
  #contentBytes = 0;
  #isCut = false;

  /** @throws JsonError when what was kept is not one of ours. */
  constructor(options: BaselineOptions) {
    this.#options = options;
    const text = options.store.load(DOCUMENT);
    if (text === undefined) return;
    const reader = new JsonReader(decodeJson(text), "baseline");
    if (reader.whole("version") !== VERSION) throw new JsonError("baseline.version", "unknown");
    // What a former boot had was laid anew from the image.
    if (reader.text("boot_id") !== options.bootId) return;
    this.#targets = new Map();
    for (const json of reader.list("files", MAX_ENTRIES)) {
      const entry = new JsonReader(json, "file");
      this.#set(entry.text("path"), targetFromJson(entry.value("target")));
    }
  }

  /** The part of what is watched that nobody looks at. */
  get limitations(): readonly NamedReason[] {
    return this.#isCut ? [{ name: NAME, reason: "too many files below watch_paths" }] : [];
  }

  /** What an undeclared file was; absent where there was none. */
  targetOf(path: string): Target | undefined {
    return this.#targets === undefined ? undefined : this.#targets.get(path) ?? ABSENT;
  }

  /** Takes the node as it is, once in a boot; further calls do nothing. */
  async record(declared: ReadonlySet<string>): Promise<void> {
    if (this.#targets !== undefined) return;
    this.#declared = declared;
    const { paths, isCut } = this.#options.watched();
    this.#isCut = isCut;
    this.#targets = new Map();
    await this.#take(paths.filter((path) => !declared.has(path)));
    this.#save();
  }

  /** How undeclared files are not what they were; none before they were recorded. */
  async differences(declared: ReadonlySet<string>): Promise<Difference[]> {
    if (this.#targets === undefined) return [];
    await this.#takeReleased(declared);
    const { paths, isCut } = this.#options.watched();
    this.#isCut = isCut;
    const targets = new Map<string, Target>();
    for (const [path, target] of this.#targets) {
      if (!declared.has(path)) targets.set(path, target);
    }
    for (const path of paths) {
      // Of a cut list nobody can tell what is new.
      if (!isCut && !declared.has(path) && !targets.has(path)) targets.set(path, ABSENT);
    }
    const { files } = this.#options;
    return await files.diff(targets, await files.observe(targets.keys()));
  }

  /** What is not declared any more is as pact left it: that is no drift. */
  async #takeReleased(declared: ReadonlySet<string>): Promise<void> {
    const released = [...this.#declared].filter((path) => !declared.has(path));
    this.#declared = declared;
    if (released.length === 0) return;
    for (const path of released) this.#targets?.delete(path);
    await this.#take(released);
    this.#save();
  }

  async #take(paths: readonly string[]): Promise<void> {
    const observed: ByKey<Observation> = await this.#options.files.observe(paths);
    for (const [path, observation] of observed) {
      if (observation.state !== "present" || observation.value.kind !== "file") continue;
      this.#set(path, {
        state: "present",
        value: await this.#withContent(path, observation.value),
      });
    }
  }

  /** Secrets are not kept a second time: of what not everybody may read there is the hash alone. */
  async #withContent(path: string, value: FileItemValue): Promise<FileItemValue> {
    const isPublic = ((value.mode ?? 0) & READABLE_BY_ALL) !== 0;
    if (!isPublic || value.fileType !== undefined) return value;
    const captured = await this.#options.files.capture({
      category: "files",
      key: path,
      action: "Modify",
      actual: value,
    });
    if (!captured.ok || captured.value?.kind !== "file") return value;
    const { content } = captured.value;
    if (content === undefined || content.byteLength > MAX_CONTENT_BYTES) return value;
    const isRoom = this.#contentBytes + content.byteLength <= MAX_CONTENTS_BYTES;
    return isRoom ? { ...value, content } : value;
  }

  #set(path: string, target: Target): void {
    this.#targets?.set(path, target);
    if (target.state !== "present" || target.value.kind !== "file") return;
    this.#contentBytes += target.value.content?.byteLength ?? 0;
  }

  #save(): void {
    const { store, bootId } = this.#options;
    const files = [...this.#targets ?? []].map(([path, target]): JsonObject => ({
      path,
      target: targetToJson(target),
    }));
    store.save(DOCUMENT, encodeJson({ version: VERSION, boot_id: bootId, files }));
  }
}

const ABSENT: Target = { state: "absent" };
