import type { Disk, SyncingDisk } from "../disk/mod.ts";

/**
 * A disk whose last sync may be waited for without blocking: `sync` only takes note, and `settle`
 * does it in the background. Everything else first does a sync that is still owed, at once, so that
 * what follows never reaches the disk before what came before it.
 */
export class DeferredSyncDisk implements Disk {
  readonly #disk: SyncingDisk;
  /** The file that is to be synced yet. */
  #owed: string | undefined;

  constructor(disk: SyncingDisk) {
    this.#disk = disk;
  }

  /** Resolves when everything written so far is durable. Nothing may be written meanwhile. */
  async settle(): Promise<void> {
    const owed = this.#owed;
    if (owed === undefined) return;
    this.#owed = undefined;
    await this.#disk.syncLater(owed);
  }

  list(): readonly string[] {
    return this.#disk.list();
  }

  pathOf(name: string): string {
    return this.#disk.pathOf(name);
  }

  sizeBytes(name: string): number {
    return this.#disk.sizeBytes(name);
  }

  read(name: string, offset: number, length: number): Uint8Array {
    return this.#disk.read(name, offset, length);
  }

  create(name: string): void {
    this.#payDebt();
    this.#disk.create(name);
  }

  write(name: string, offset: number, parts: readonly Uint8Array[]): void {
    this.#payDebt();
    this.#disk.write(name, offset, parts);
  }

  sync(name: string): void {
    this.#payDebt();
    this.#owed = name;
  }

  truncate(name: string, lengthBytes: number): void {
    this.#payDebt();
    this.#disk.truncate(name, lengthBytes);
  }

  rename(from: string, to: string): void {
    this.#payDebt();
    this.#disk.rename(from, to);
  }

  remove(name: string): void {
    this.#payDebt();
    this.#disk.remove(name);
  }

  syncDirectory(): void {
    this.#payDebt();
    this.#disk.syncDirectory();
  }

  close(): void {
    this.#payDebt();
    this.#disk.close();
  }

  /** Lets go of the files as they are. */
  abandon(): void {
    this.#owed = undefined;
    this.#disk.close();
  }

  #payDebt(): void {
    const owed = this.#owed;
    if (owed === undefined) return;
    this.#owed = undefined;
    this.#disk.sync(owed);
  }
}
