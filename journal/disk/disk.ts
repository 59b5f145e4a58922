/**
 * The files of one directory, by plain names, as the log's storage uses them. Every method is
 * synchronous, so that the same storage runs on real files and in the simulator, which can tear and
 * lose what was not synced.
 *
 * Each method throws a `StorageError` of kind `io` that names the file.
 */
export interface Disk {
  /** Names of all files, sorted. */
  list(): readonly string[];
  /** The file as a person finds it, for messages. */
  pathOf(name: string): string;
  sizeBytes(name: string): number;
  /** Up to `length` bytes from `offset`; fewer only where the file ends before. */
  read(name: string, offset: number, length: number): Uint8Array;
  /** Makes an empty file that must not exist yet. It may vanish in a crash until `syncDirectory`. */
  create(name: string): void;
  /**
   * Writes the parts one behind the other from `offset` on, over what is there; past its end the
   * file grows. `offset` is not behind the end.
   */
  write(name: string, offset: number, parts: readonly Uint8Array[]): void;
  /** Content and size of the file survive a crash from here on (`fdatasync`). */
  sync(name: string): void;
  /** Cuts the file off; durable with the next `sync`. */
  truncate(name: string, lengthBytes: number): void;
  /** Replaces `to` in one step; durable with `syncDirectory`. */
  rename(from: string, to: string): void;
  remove(name: string): void;
  /** Files made, renamed and removed stay so from here on. */
  syncDirectory(): void;
  /** Lets go of open files. */
  close(): void;
}

/** A disk that can sync while other work goes on. */
export interface SyncingDisk extends Disk {
  /** As `sync`, done when the promise resolves. The file must not be written to meanwhile. */
  syncLater(name: string): Promise<void>;
}
