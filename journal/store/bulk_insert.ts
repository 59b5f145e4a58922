import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** Rows that one statement inserts: a call into SQLite costs more than a row of what is stored. */
const BULK_ROWS = 32;

/**
 * Inserts rows of one table in bulk. What was added is in the table after {@link flush}; a failure
 * in between belongs to the transaction, which its owner undoes.
 */
export class BulkInsert {
  readonly #one: StatementSync;
  readonly #bulk: StatementSync;
  readonly #bulkValues: number;
  readonly #columns: number;
  #values: SQLInputValue[] = [];

  /** `into` is the statement up to its rows: `INSERT INTO entries`. */
  constructor(database: DatabaseSync, into: string, columns: number) {
    const row = `(${Array(columns).fill("?").join(", ")})`;
    this.#one = database.prepare(`${into} VALUES ${row}`);
    this.#bulk = database.prepare(`${into} VALUES ${Array(BULK_ROWS).fill(row).join(", ")}`);
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
