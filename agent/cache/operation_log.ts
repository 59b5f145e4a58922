/**
 * What was done while no journal could be reached: an append-only file, one synced record per entry,
 * replayed in order and then cut. It owns the open file and ends by `close` (PRT-7, PRT-8).
 */

import { createHash } from "node:crypto";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { agentport } from "../../api/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { AppendFile, Files } from "../../ffi/mod.ts";

/** Most records waiting for replay; beyond it state-changing work is refused (PRT-7). */
const MAX_RECORDS = 10_000;
const MAX_BYTES = 64 * 1024 * 1024;
/** Room for one more record, whose deltas and contents the journal bounds (JRN-12). */
const MAX_RECORD_BYTES = 4 * 1024 * 1024;

/** Entries on their way to the journal, oldest first. */
export interface OperationLog {
  readonly pending: readonly agentport.Append[];
  readonly isFull: boolean;
  /** Records an entry durably. */
  add(append: agentport.Append): void;
  /** The oldest entry is in the journal, or was refused for good. */
  settleFirst(): void;
  close(): void;
}

/** Opens the log, taking over what an earlier agent left; a torn last record is dropped. */
export function openOperationLog(files: Files, path: string, log: Logger): OperationLog {
  const { records, isWhole } = readRecords(files, path, log);
  // A whole file stays as it is: the agent has to start where there is no room for another, too.
  if (!isWhole) rewrite(files, path, records);
  return new FileOperationLog(files, path, records, log);
}

class FileOperationLog implements OperationLog {
  #file: AppendFile;
  #bytes: number;

  constructor(
    private readonly files: Files,
    private readonly path: string,
    readonly pending: agentport.Append[],
    private readonly log: Logger,
  ) {
    this.#bytes = sizeOf(pending);
    this.#file = files.openAppend(path, 0o600);
  }

  get isFull(): boolean {
    return this.pending.length >= MAX_RECORDS || this.#bytes >= MAX_BYTES - MAX_RECORD_BYTES;
  }

  add(append: agentport.Append): void {
    const line = lineOf(append);
    this.#file.appendSync(line);
    this.#bytes += line.length;
    this.pending.push(append);
  }

  settleFirst(): void {
    this.pending.shift();
    // Repeating a settled entry is harmless, its request id is known; so the file is cut only at the end.
    if (this.pending.length > 0) return;
    try {
      rewrite(this.files, this.path, []);
    } catch (error) {
      this.log.error("operation log not cut", { path: this.path, error: String(error) });
      return;
    }
    this.#file.close();
    this.#bytes = 0;
    this.#file = this.files.openAppend(this.path, 0o600);
  }

  close(): void {
    this.#file.close();
  }
}

function rewrite(files: Files, path: string, records: readonly agentport.Append[]): void {
  files.writeAtomicSync(path, records.map(lineOf).join(""), { mode: 0o600 });
}

function sizeOf(records: readonly agentport.Append[]): number {
  return records.reduce((bytes, record) => bytes + lineOf(record).length, 0);
}

function lineOf(append: agentport.Append): string {
  const record = toBinary(agentport.AppendSchema, append).toBase64();
  return `${hashOf(record)} ${record}\n`;
}

/** The records of the file, and whether it holds nothing else. */
function readRecords(
  files: Files,
  path: string,
  log: Logger,
): { readonly records: agentport.Append[]; readonly isWhole: boolean } {
  if (files.lstatIfPresent(path) === null) return { records: [], isWhole: true };
  const text = files.readText(path, { maxBytes: MAX_BYTES, followSymlink: false });
  const lines = text.split("\n");
  let isWhole = text === "" || text.endsWith("\n");
  const records: agentport.Append[] = [];
  for (const [index, line] of lines.entries()) {
    const [hash, record] = line.split(" ");
    if (record !== undefined && hashOf(record) === hash) {
      records.push(fromBinary(agentport.AppendSchema, Uint8Array.fromBase64(record)));
    } else if (line !== "") {
      isWhole = false;
      log.error("operation log record damaged, dropped", { path, line: index + 1 });
    }
  }
  return { records, isWhole };
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
