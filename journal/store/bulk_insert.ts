import type { SQLInputValue } from "node:sqlite";
import type { Redo, WriteStatement } from "./redo.ts";

/** Rows that one statement inserts: a call into SQLite costs as much as what it stores of a row. */
const BULK_ROWS = 16;

/**
 * Inserts rows of one table in bulk. What was added is in the table after {@link flush}. A row that
 * cannot be stored undoes the whole transaction: were the statement alone to be undone, SQLite would
 * copy every page that a statement of several rows changes beforehand, into a file of its own.
 */
export class BulkInsert {
  readonly #one: WriteStatement;
  readonly #bulk: WriteStatement;
  readonly #bulkValues: number;
  readonly #columns: number;
  #values: SQLInputValue[] = [];

  /** With `onRepeat` IGNORE a row whose key is in the table already is passed over. */
  constructor(
    redo: Redo,
    table: string,
    columns: number,
    onRepeat: "ROLLBACK" | "IGNORE" = "ROLLBACK",
  ) {
    const row = `(${Array(columns).fill("?").join(", ")})`;
    const insert = `INSERT OR ${onRepeat} INTO ${table} VALUES`;
    this.#one = redo.prepare(`${insert} ${row}`);
    this.#bulk = redo.prepare(`${insert} ${Array(BULK_ROWS).fill(row).join(", ")}`);
    this.#bulkValues = BULK_ROWS * columns;
    this.#columns = columns;
  }

  /** Takes one row, as many values as there are columns. */
  add(...row: SQLInputValue[]): void {
    this.#values.push(...row);
    if (this.#values.length === this.#bulkValues) this.#bulk.run(...this.#taken());
  }

  /** Puts what is left into the table. */
  flush(): void {
    const values = this.#taken();
    for (let at = 0; at < values.length; at += this.#columns) {
      this.#one.run(...values.slice(at, at + this.#columns));
    }
  }

  #taken(): SQLInputValue[] {
    const values = this.#values;
    this.#values = [];
    return values;
  }
}
