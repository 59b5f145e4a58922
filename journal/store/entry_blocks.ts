/**
 * The index of the entries. Every {@link BLOCK_ENTRIES} consecutive sequences are a block, and a row
 * says that a block holds some entry of one scope, vCluster or type. Most entries need no row, as one
 * before them made it: three indexes with a row for each entry cost as much as the entries do.
 *
 * @module
 */
import { BulkInsert } from "./bulk_insert.ts";
import type { Redo } from "./redo.ts";

/** Entries of a block: about as many as two pages of the file hold. */
export const BLOCK_ENTRIES = 16;

/** What blocks are found by; the text is in the file. */
export type BlockKind = "scope" | "vcluster" | "type";

/** Writes the index; the rows of the last few entries wait until they are saved. */
export class EntryBlocks {
  readonly #insert: BulkInsert;
  /** The newest block of each name that was added since the last save. */
  readonly #newest: Readonly<Record<BlockKind, Map<string, number>>> = {
    scope: new Map(),
    vcluster: new Map(),
    type: new Map(),
  };

  constructor(redo: Redo) {
    // A block may go on that was begun before the last save.
    this.#insert = new BulkInsert(redo, "entry_blocks", 3, "IGNORE");
  }

  /** Has the entry found by what its row says. */
  add(sequence: number, scope: string, vclusterId: string | undefined, type: string): void {
    const block = blockOf(sequence);
    this.#add("scope", scope, block);
    if (vclusterId !== undefined) this.#add("vcluster", vclusterId, block);
    this.#add("type", type, block);
  }

  /** Puts what was added into the database. */
  save(): void {
    this.#insert.flush();
    for (const newest of Object.values(this.#newest)) newest.clear();
  }

  #add(kind: BlockKind, name: string, block: number): void {
    const newest = this.#newest[kind];
    if (newest.get(name) === block) return;
    newest.set(name, block);
    this.#insert.add(kind, name, block);
  }
}

/** The block of a sequence. */
export function blockOf(sequence: number): number {
  return Math.floor(sequence / BLOCK_ENTRIES);
}
