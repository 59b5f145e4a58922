import type { LogRecord } from "./replicated_log.ts";

/** Most recent records kept in memory so that followers of the log need not read the file. */
const MAX_RECORDS = 4096;
const MAX_BYTES = 16 * 1024 * 1024;

/** The newest committed records, contiguous, bounded by count and bytes. */
export class RecordCache {
  #records: LogRecord[] = [];
  #bytes = 0;

  /** Adds records that follow the newest one. */
  push(records: readonly LogRecord[]): void {
    this.#records.push(...records);
    for (const { payload } of records) this.#bytes += payload.byteLength;
    let drop = 0;
    while (this.#records.length - drop > MAX_RECORDS || this.#bytes > MAX_BYTES) {
      this.#bytes -= this.#records[drop]?.payload.byteLength ?? 0;
      drop++;
    }
    if (drop > 0) this.#records = this.#records.slice(drop);
  }

  /** Up to `limit` records from `fromIndex` on; undefined when the first of them is not here. */
  slice(fromIndex: bigint, limit: number): readonly LogRecord[] | undefined {
    const oldest = this.#records[0]?.index;
    if (oldest === undefined || fromIndex < oldest) return undefined;
    const start = Number(fromIndex - oldest);
    return start < this.#records.length ? this.#records.slice(start, start + limit) : undefined;
  }
}
