import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

/** A statement that writes, and what it did is remembered. */
export interface WriteStatement {
  run(...values: SQLInputValue[]): void;
}

/**
 * What the transaction under way has written, so that it can be written once more: when a
 * transaction cannot be committed, SQLite takes back all of it. As long as the transaction is bounded
 * this is too.
 */
export class Redo {
  #written: (readonly [StatementSync, SQLInputValue[]])[] = [];

  constructor(private readonly database: DatabaseSync) {}

  /** Prepares a statement whose runs are remembered. */
  prepare(sql: string): WriteStatement {
    const statement = this.database.prepare(sql);
    return {
      run: (...values) => {
        // Before it runs: what failed halfway belongs to what has to be written.
        this.#written.push([statement, values]);
        statement.run(...values);
      },
    };
  }

  /** The transaction is in the file. */
  forget(): void {
    this.#written = [];
  }

  /** Writes all of it once more, in its order. */
  again(): void {
    for (const [statement, values] of this.#written) statement.run(...values);
  }
}
