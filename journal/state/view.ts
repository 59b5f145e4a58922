import type { Entry, Scope } from "../../common/model/mod.ts";
import { type CollectionName, type Doc, isCollectionName } from "./documents.ts";

/** Reads of the documents of one moment. What is returned must not be changed by the caller. */
export interface DocumentsView {
  /** The document under `key`, if there is one. */
  get<C extends CollectionName>(collection: C, key: string): Doc<C> | undefined;
  /** Every document whose key starts with `prefix` (default: all), in key order. */
  list<C extends CollectionName>(collection: C, prefix?: string): Iterable<[string, Doc<C>]>;
}

/** Reads of the entries written so far; part of the state, so apply stays deterministic. */
export interface HistoryView {
  /** The entry with this sequence. */
  entry(sequence: number): Entry | undefined;
  /** Commit and Rollback entries of exactly `scope`, newest first from `fromSequence` down. */
  configEntries(scope: Scope, fromSequence: number): Iterable<Entry>;
}

/** All that apply may look at besides the command (JRN-20). */
export interface StateView extends DocumentsView {
  readonly history: HistoryView;
}

/** Documents by collection and key; `undefined` under a key means deleted. */
export type DocumentTables = {
  [C in CollectionName]: Map<string, Doc<C> | undefined>;
};

/** What a command changed, read-only: `writes.policies.get(id)`. */
export type DocumentChanges = {
  readonly [C in CollectionName]: ReadonlyMap<string, Doc<C> | undefined>;
};

/** The collections in which `changes` says anything of a document. */
export function changedCollections(changes: DocumentChanges): CollectionName[] {
  const changed: CollectionName[] = [];
  // What a transaction left alone is inherited, and most commands touch few: see blankTables.
  for (const name of Object.keys(changes)) {
    if (isCollectionName(name) && changes[name].size > 0) changed.push(name);
  }
  return changed;
}

/** What nobody writes to; shared by all transactions. */
const UNTOUCHED: DocumentTables = emptyTables();

/**
 * Tables that inherit an empty one for each collection, in whose place a transaction puts its own when
 * it first writes there. A copy of all of them would cost every command more than its own few tables.
 */
export function blankTables(): DocumentTables {
  return Object.create(UNTOUCHED);
}

/** Whether `tables` has only what {@link blankTables} gave it for `collection`. */
export function isBlank(tables: DocumentTables, collection: CollectionName): boolean {
  return tables[collection] === UNTOUCHED[collection];
}

/** One empty table for each collection. */
export function emptyTables(): DocumentTables {
  return {
    approvals: new Map(),
    audit: new Map(),
    blacklists: new Map(),
    ca_bundle: new Map(),
    capabilities: new Map(),
    conflicts: new Map(),
    checkpoint_signers: new Map(),
    checkpoints: new Map(),
    declared: new Map(),
    emergencies: new Map(),
    enrollments: new Map(),
    hw_index: new Map(),
    locks: new Map(),
    members: new Map(),
    node_assignments: new Map(),
    node_states: new Map(),
    notices: new Map(),
    open_conflicts: new Map(),
    open_emergencies: new Map(),
    orgs: new Map(),
    overlays: new Map(),
    policies: new Map(),
    quorum: new Map(),
    request_ids: new Map(),
    request_order: new Map(),
    revoked_serials: new Map(),
    scope_heads: new Map(),
    settings: new Map(),
    ttls: new Map(),
    uid_map: new Map(),
    uid_map_version: new Map(),
  };
}
