/**
 * Audit events in a chained, append-only file on the node (contracts.md 7.4). It owns the open file
 * and the events not yet written; `close` writes them.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  appendToChain,
  AUDIT_FILE_MAX_BYTES,
  AUDIT_FSYNC_MS,
  type AuditEvent,
  type AuditSink,
  AuditSinkError,
  CHAIN_START,
  type ChainHead,
  readChainLine,
} from "../../contracts/mod.ts";
import type { AppendFile, Files } from "../../ffi/mod.ts";

/** Most events that wait to be written. */
const MAX_BUFFERED = 10_000;

/** A sink that must be closed. */
export interface FileAuditSink extends AuditSink {
  close(): Promise<void>;
}

/** What the sink works with. */
export interface FileSinkOptions {
  readonly files: Files;
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Opens the sink at the end of its chain. A torn last line is cut; a file whose chain is broken is
 * put aside, reported, and a new one begins (AS-12).
 */
export function openFileSink(options: FileSinkOptions): FileAuditSink {
  return new ChainedFile(options, headOf(options));
}

class ChainedFile implements FileAuditSink {
  #head: ChainHead;
  #bytes: number;
  #file: AppendFile;
  #buffer: AuditEvent[] = [];
  #lost = 0;
  /** The last writing failed, and its events still wait. */
  #isFailing = false;
  #timer: TimerHandle | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly options: FileSinkOptions,
    start: { head: ChainHead; bytes: number },
  ) {
    this.#head = start.head;
    this.#bytes = start.bytes;
    this.#file = options.files.openAppend(options.path, 0o600);
  }

  emit(event: AuditEvent): void {
    if (this.#buffer.length >= MAX_BUFFERED) this.#lost++;
    else this.#buffer.push(event);
    this.#timer ??= this.options.clock.setTimer(AUDIT_FSYNC_MS, () => this.#writeSoon());
  }

  async flush(timeoutMs: number): Promise<void> {
    this.#writeSoon();
    const limit = Promise.withResolvers<never>();
    const timer = this.options.clock.setTimer(
      timeoutMs,
      () =>
        limit.reject(
          new AuditSinkError({ kind: "FlushFailed", reason: `not done in ${timeoutMs} ms` }),
        ),
    );
    try {
      await Promise.race([this.#writing, limit.promise]);
      if (this.#isFailing) {
        throw new AuditSinkError({ kind: "FlushFailed", reason: "the file cannot be written" });
      }
    } finally {
      this.options.clock.clearTimer(timer);
    }
  }

  async close(): Promise<void> {
    this.#writeSoon();
    await this.#writing;
    this.#file.close();
  }

  #writeSoon(): void {
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#writeBuffered());
  }

  async #writeBuffered(): Promise<void> {
    const events = this.#buffer;
    this.#buffer = [];
    if (events.length === 0) return;
    let head = this.#head;
    const lines = events.map((event) => {
      const appended = appendToChain(head, event);
      head = appended.head;
      return appended.line;
    });
    try {
      this.#bytes = await this.#file.append(lines.join(""));
      this.#head = head;
      this.#isFailing = false;
      this.#reportLoss();
      if (this.#bytes >= AUDIT_FILE_MAX_BYTES) this.#rotate();
    } catch (error) {
      this.#isFailing = true;
      // Nothing is dropped: the events go in front of what came meanwhile (O3).
      this.#buffer = [...events, ...this.#buffer].slice(0, MAX_BUFFERED);
      this.options.log.error("audit file cannot be written", {
        path: this.options.path,
        error: String(error),
      });
    }
  }

  #reportLoss(): void {
    if (this.#lost === 0) return;
    this.options.log.error("audit events were lost", { count: this.#lost });
    this.#lost = 0;
  }

  /** The next file begins with the last hash of this one (AS-11). */
  #rotate(): void {
    const { files, path } = this.options;
    this.#file.close();
    files.rename(path, `${path}.${this.#head.nextSeq - 1}`);
    this.#file = files.openAppend(path, 0o600);
    this.#bytes = 0;
  }
}

function headOf({ files, path, log }: FileSinkOptions): { head: ChainHead; bytes: number } {
  if (files.lstatIfPresent(path) === null) return { head: CHAIN_START, bytes: 0 };
  const text = files.readText(path, { maxBytes: 2 * AUDIT_FILE_MAX_BYTES, followSymlink: false });
  let head = firstHead(text);
  let end = 0;
  for (const line of text.split(/(?<=\n)/)) {
    if (line === "") continue;
    const read = readChainLine(head, line);
    if (read.result === "Torn") {
      files.writeAtomicSync(path, text.slice(0, end), { mode: 0o600 });
      break;
    }
    if (read.result === "Broken") {
      log.error("audit chain broken, a new file begins", { path, reason: read.reason });
      files.rename(path, `${path}.broken.${head.nextSeq}`);
      return { head: CHAIN_START, bytes: 0 };
    }
    head = read.head;
    end += line.length;
  }
  return { head, bytes: end };
}

/** A file after a rotation starts where the one before ended; its first line says where. */
function firstHead(text: string): ChainHead {
  const first = /^\{.*\n/.exec(text)?.[0];
  const prev = /"prev":"([0-9a-f]{64})"/.exec(first ?? "")?.[1];
  const seq = /"seq":([0-9]+)/.exec(first ?? "")?.[1];
  return prev === undefined || seq === undefined ? CHAIN_START : { prev, nextSeq: Number(seq) };
}
