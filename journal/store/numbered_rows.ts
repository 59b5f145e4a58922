import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Redo, WriteStatement } from "./redo.ts";

/**
 * Most documents of one row: of audit records several pages, so that little of them stays empty. It
 * may grow, but not shrink, as files have rows of so many.
 */
export const ROW_DOCUMENTS = 64;

/** How the documents of a row become its text, and the text documents. */
export interface RowForm<D> {
  textOf(documents: readonly D[]): string;
  documentsOf(text: string): D[];
}

/**
 * Writes documents that have numbers into a table, those of consecutive numbers together: a row is
 * the number of its first document and a JSON array of all of them. A row costs more to write than a
 * document of some hundred bytes, and these are only ever read in their order.
 */
export class NumberedRows<D> {
  readonly #insert: WriteStatement;
  readonly #dropRows: WriteStatement;
  readonly #rowBefore: StatementSync;
  /** Documents of the row under way, and the number of the first. */
  #documents: D[] = [];
  #first = 0;

  constructor(
    database: DatabaseSync,
    redo: Redo,
    table: "audit" | "requests",
    private readonly form: RowForm<D>,
  ) {
    this.#insert = redo.prepare(`INSERT INTO ${table} VALUES (?, ?)`);
    this.#dropRows = redo.prepare(`DELETE FROM ${table} WHERE number < ?`);
    this.#rowBefore = database.prepare(
      `SELECT number, json FROM ${table} WHERE number < ? ORDER BY number DESC LIMIT 1`,
    );
  }

  /** Takes one document, which must not change any more. */
  add(number: number, document: D): void {
    const isNext = number === this.#first + this.#documents.length;
    if (!isNext || this.#documents.length === ROW_DOCUMENTS) this.save();
    if (this.#documents.length === 0) this.#first = number;
    this.#documents.push(document);
  }

  /** Puts what was taken into the table. */
  save(): void {
    if (this.#documents.length === 0) return;
    this.#insert.run(this.#first, this.form.textOf(this.#documents));
    this.#documents = [];
  }

  /** Removes rows of documents below `number`; the row it is in stays as it is. */
  dropRowsBefore(number: number): void {
    this.#dropRows.run(number - ROW_DOCUMENTS + 1);
  }

  /** Removes every document below `number`. */
  removeBefore(number: number): void {
    const row = this.#rowBefore.get(number);
    if (row === undefined) return;
    const kept = this.form.documentsOf(String(row["json"])).slice(number - Number(row["number"]));
    this.#dropRows.run(number);
    if (kept.length > 0) this.#insert.run(number, this.form.textOf(kept));
  }
}
