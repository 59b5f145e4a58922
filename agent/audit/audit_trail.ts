/**
 * The node's audit record: a chained file that has everything, and the journal, which hears of what
 * was denied. It owns both ways and ends with `close`, which writes what still waits for the file.
 */

import type { AuditEvent } from "../../contracts/mod.ts";
import { DenialForwarder, type DenialForwarderOptions } from "./denial_forwarder.ts";
import { type FileAuditSink, type FileSinkOptions, openFileSink } from "./file_sink.ts";

/** See the head of this file. */
export class AuditTrail implements FileAuditSink {
  readonly #file: FileAuditSink;
  #denials: DenialForwarder | undefined;

  /** Opens the file; see {@link openFileSink}. */
  constructor(options: FileSinkOptions) {
    this.#file = openFileSink(options);
  }

  /** From now on the journal is told of what is denied. */
  tellJournal(options: DenialForwarderOptions): void {
    this.#denials ??= new DenialForwarder(options);
  }

  emit(event: AuditEvent): void {
    this.#file.emit(event);
    if (event.action !== "auth.denied") return;
    const { principal, detail, timestamp } = event;
    this.#denials?.add({ principal, detail, atMs: Date.parse(timestamp) });
  }

  async flush(timeoutMs: number): Promise<void> {
    await this.#file.flush(timeoutMs);
  }

  async close(): Promise<void> {
    this.#denials?.close();
    await this.#file.close();
  }
}
