import { GENESIS_HASH, linkEntry } from "../../common/chain/mod.ts";
import type { ErrorCode } from "../../common/errors/mod.ts";
import {
  type Entry,
  type EntryDraft,
  type EntryType,
  type Identity,
  scopeText,
} from "../../common/model/mod.ts";
import { COLLECTION_NAMES, type CollectionName, COUNTERS_KEY, type Doc } from "./documents.ts";
import { instantMs } from "./instants.ts";
import {
  blankTables,
  type DocumentChanges,
  type DocumentTables,
  type HistoryView,
  isBlank,
  type StateView,
} from "./view.ts";

/** Why a command changed nothing: the texts of JRN-22, which callers match on. */
export interface Rejection {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Thrown inside apply to leave a command without effect; never seen outside. */
export class RejectedError extends Error {
  constructor(readonly rejection: Rejection) {
    super(rejection.message);
  }
}

/** Leaves the command without effect (JRN-21). */
export function reject(code: ErrorCode, message: string): never {
  throw new RejectedError({ code, message });
}

/** Types whose newest entry is what an expected head is compared with (JRN-25). */
const STATE_CHANGING: ReadonlySet<EntryType> = new Set<EntryType>([
  "Commit",
  "Rollback",
  "AutoConverge",
]);

/** Types that make the overlay of their vCluster stale (OVL-7). */
const OVERLAY_AFFECTING: ReadonlySet<EntryType> = new Set<EntryType>([
  "Commit",
  "Rollback",
  "PolicyUpdate",
  "BlacklistUpdate",
]);

const NO_ENTRIES_YET: Doc<"settings"> = {
  next_sequence: 0,
  audit_first: 0,
  audit_next: 0,
  request_first: 0,
  request_next: 0,
  head_hash: GENESIS_HASH,
};

/** The counters of a state, all zero in an empty one. */
export function countersOf(view: Pick<StateView, "get">): Doc<"settings"> {
  return view.get("settings", COUNTERS_KEY) ?? NO_ENTRIES_YET;
}

/**
 * The changes of one command over a state that stays as it is: reads see them, and nobody else does
 * until the caller takes `writes` and `entries`.
 */
export class Transaction implements StateView {
  readonly #base: StateView;
  readonly #writes: DocumentTables = blankTables();
  /** Made by the first entry: most commands write one, and an array that grows takes room for many. */
  #entries: Entry[] | undefined;
  #entryTexts: string[] | undefined;
  /** The counters as this transaction leaves them: a document of its own from the first change on. */
  #counters: Doc<"settings"> | undefined;
  /** The command's time in milliseconds since the epoch. */
  readonly nowMs: number;

  constructor(
    base: StateView,
    /** When the leader took the command; the only time apply knows (JRN-20). */
    readonly timestamp: string,
    readonly actor: Identity,
    readonly requestId: string | undefined,
    /** What is added to every entry on its way to the log. */
    private readonly mark?: (draft: EntryDraft) => EntryDraft,
  ) {
    this.#base = base;
    this.nowMs = instantMs(timestamp);
  }

  /** A transaction over this one as it stands, in another's name; {@link take} keeps its changes. */
  nested(actor: Identity, requestId: string, mark: (draft: EntryDraft) => EntryDraft): Transaction {
    return new Transaction(this, this.timestamp, actor, requestId, mark);
  }

  /** Makes the changes of a {@link nested} transaction this one's. */
  take(inner: Transaction): void {
    for (const collection of COLLECTION_NAMES) this.#takeTable(collection, inner);
    this.#entries = [...this.entries, ...inner.entries];
    this.#entryTexts = [...this.entryTexts, ...inner.entryTexts];
    this.#counters = inner.#counters ?? this.#counters;
  }

  #takeTable<C extends CollectionName>(collection: C, inner: Transaction): void {
    const changes = inner.#writes[collection];
    if (changes.size === 0) return;
    const table = this.#table(collection);
    for (const [key, document] of changes) table.set(key, document);
  }

  get history(): HistoryView {
    return this.#base.history;
  }

  get entries(): readonly Entry[] {
    return this.#entries ?? [];
  }

  /** The canonical JSON of each of {@link entries}, as their hashes were made of it. */
  get entryTexts(): readonly string[] {
    return this.#entryTexts ?? [];
  }

  get writes(): DocumentChanges {
    return this.#writes;
  }

  get counters(): Doc<"settings"> {
    return this.#counters ?? countersOf(this.#base);
  }

  get<C extends CollectionName>(collection: C, key: string): Doc<C> | undefined {
    const written = this.#writes[collection];
    const isWritten = written.size > 0 && written.has(key);
    return isWritten ? written.get(key) : this.#base.get(collection, key);
  }

  list<C extends CollectionName>(collection: C, prefix = ""): Iterable<[string, Doc<C>]> {
    const isUntouched = this.#writes[collection].size === 0;
    return isUntouched ? this.#base.list(collection, prefix) : this.#merged(collection, prefix);
  }

  *#merged<C extends CollectionName>(collection: C, prefix: string): Generator<[string, Doc<C>]> {
    const found = new Map(this.#base.list(collection, prefix));
    for (const [key, document] of this.#writes[collection]) {
      if (!key.startsWith(prefix)) continue;
      if (document === undefined) found.delete(key);
      else found.set(key, document);
    }
    for (const key of [...found.keys()].sort()) {
      const document = found.get(key);
      if (document !== undefined) yield [key, document];
    }
  }

  put<C extends CollectionName>(collection: C, key: string, document: Doc<C>): void {
    this.#table(collection).set(key, document);
  }

  delete<C extends CollectionName>(collection: C, key: string): void {
    this.#table(collection).set(key, undefined);
  }

  #table<C extends CollectionName>(collection: C): DocumentTables[C] {
    if (isBlank(this.#writes, collection)) this.#writes[collection] = new Map();
    return this.#writes[collection];
  }

  /** The counters as this transaction leaves them, to be changed in place. */
  count(): Doc<"settings"> {
    if (this.#counters === undefined) {
      this.#counters = { ...this.counters };
      this.put("settings", COUNTERS_KEY, this.#counters);
    }
    return this.#counters;
  }

  /** Gives the entry its sequence and hash and notes it as its scope's newest (J1). */
  append(draft: EntryDraft): Entry {
    const { next_sequence: sequence, head_hash } = this.counters;
    const { entry, json } = linkEntry({ ...this.mark?.(draft) ?? draft, sequence }, head_hash);
    this.#note(entry, json);
    const counters = this.count();
    counters.next_sequence = sequence + 1;
    counters.head_hash = entry.hash;
    const scope = scopeText(entry.scope);
    const head = { ...this.get("scope_heads", scope), newest: sequence };
    if (STATE_CHANGING.has(entry.entry_type)) head.state_changing = sequence;
    if (OVERLAY_AFFECTING.has(entry.entry_type)) head.overlay_affecting = sequence;
    this.put("scope_heads", scope, head);
    return entry;
  }

  #note(entry: Entry, json: string): void {
    if (this.#entries === undefined || this.#entryTexts === undefined) {
      this.#entries = [entry];
      this.#entryTexts = [json];
    } else {
      this.#entries.push(entry);
      this.#entryTexts.push(json);
    }
  }

  /** Appends the entry that tells of a command's effect (JRN-15); the actor is its author. */
  record(
    entry: Pick<EntryDraft, "entry_type" | "scope"> & Partial<EntryDraft>,
  ): Entry {
    return this.append({
      timestamp: this.timestamp,
      author: this.actor,
      request_id: this.requestId,
      ...entry,
    });
  }
}
