/**
 * One file in memory that knows which of its bytes a crash may take.
 *
 * @module
 */

/** A number from 0 up to but without 1, as `Math.random` gives them. */
export type Random = () => number;

/** The unit that reaches a disk whole or not at all. */
export const SECTOR_BYTES = 512;

/** What is left of a file after a crash: synced bytes, and any part of what was not synced. */
export class SimulatedFile {
  #bytes = new Uint8Array(SECTOR_BYTES);
  #size = 0;
  /** The first so many bytes are on disk as they are here. */
  #syncedBytes = 0;
  /** What is on disk behind them: cut off here, but the cut is not synced. */
  #cutOff = new Uint8Array(0);

  get size(): number {
    return this.#size;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#bytes.slice(offset, Math.min(this.#size, offset + length));
  }

  append(part: Uint8Array): void {
    const size = this.#size + part.length;
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#size));
      this.#bytes = grown;
    }
    this.#bytes.set(part, this.#size);
    this.#size = size;
  }

  truncate(length: number): void {
    if (length < this.#syncedBytes) {
      const cut = this.#bytes.slice(length, this.#syncedBytes);
      const cutOff = new Uint8Array(cut.length + this.#cutOff.length);
      cutOff.set(cut);
      cutOff.set(this.#cutOff, cut.length);
      this.#cutOff = cutOff;
      this.#syncedBytes = length;
    }
    this.#bytes.fill(0, length, this.#size);
    this.#size = Math.min(this.#size, length);
  }

  sync(): void {
    this.#syncedBytes = this.#size;
    this.#cutOff = new Uint8Array(0);
  }

  /** Damages a byte, on disk too. */
  flip(offset: number, mask: number): void {
    this.#bytes[offset] = (this.#bytes[offset] ?? 0) ^ mask;
  }

  /** What was not synced is lost, kept or torn; the rest is on disk from here on. */
  crash(random: Random): void {
    if (this.#cutOff.length > 0 && random() < 0.5) {
      // The cut never came to the disk, nor did what was written after it.
      const cutOff = this.#cutOff;
      this.#size = this.#syncedBytes;
      this.append(cutOff);
    } else {
      this.#tear(random);
    }
    this.sync();
  }

  #tear(random: Random): void {
    const outcome = random();
    if (outcome < 0.2) return;
    if (outcome < 0.5) return this.truncate(this.#syncedBytes);
    if (random() < 0.5) {
      const unsynced = this.#size - this.#syncedBytes;
      this.truncate(this.#syncedBytes + Math.floor(random() * (unsynced + 1)));
    }
    let at = this.#syncedBytes;
    while (at < this.#size) {
      const end = Math.min(at - at % SECTOR_BYTES + SECTOR_BYTES, this.#size);
      if (random() < 0.5) this.#loseSector(at, end, random);
      at = end;
    }
  }

  /** A sector that was never written reads as zeros, or as what stood there before. */
  #loseSector(start: number, end: number, random: Random): void {
    const isStale = random() < 0.25;
    for (let at = start; at < end; at++) {
      this.#bytes[at] = isStale ? Math.floor(random() * 256) : 0;
    }
  }
}
