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
  /** As programs see it; zeros behind `#size`. */
  #bytes = new Uint8Array(SECTOR_BYTES);
  #size = 0;
  /** As it was synced last. */
  #disk = new Uint8Array(0);
  #diskSize = 0;
  /** So much of what was synced no cut has taken since. */
  #keptBytes = 0;
  /** Both are alike before and behind this. */
  #changed = NOTHING;

  get size(): number {
    return this.#size;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#bytes.slice(offset, Math.min(this.#size, offset + length));
  }

  /** Writes over what is there, and on behind the end. */
  write(offset: number, part: Uint8Array): void {
    if (part.length === 0) return;
    const end = offset + part.length;
    this.#bytes = withRoom(this.#bytes, end);
    this.#bytes.set(part, offset);
    this.#size = Math.max(this.#size, end);
    this.#note(offset, end);
  }

  truncate(length: number): void {
    if (length >= this.#size) return;
    this.#note(length, this.#size);
    this.#bytes.fill(0, length, this.#size);
    this.#size = length;
    this.#keptBytes = Math.min(this.#keptBytes, length);
  }

  sync(): void {
    const { from, to } = this.#changed;
    const end = Math.min(to, this.#size);
    this.#disk = withRoom(this.#disk, this.#size);
    if (from < end) this.#disk.set(this.#bytes.subarray(from, end), from);
    this.#diskSize = this.#size;
    this.#keptBytes = this.#size;
    this.#changed = NOTHING;
  }

  /** Damages a byte, on disk too. */
  flip(offset: number, mask: number): void {
    this.#bytes[offset] = (this.#bytes[offset] ?? 0) ^ mask;
    if (offset < this.#diskSize) this.#disk[offset] = (this.#disk[offset] ?? 0) ^ mask;
  }

  /** What was not synced is lost, kept or torn; the rest is on disk from here on. */
  crash(random: Random): void {
    if (this.#keptBytes < this.#diskSize && random() < 0.5) {
      // The cut never came to the disk, nor did what was written before or after it.
      this.truncate(0);
      this.write(0, this.#disk.subarray(0, this.#diskSize));
    } else {
      this.#tear(random);
    }
    this.sync();
  }

  #tear(random: Random): void {
    const outcome = random();
    if (outcome < 0.2) return;
    const kept = this.#keptBytes;
    if (outcome < 0.5) {
      this.truncate(kept);
      return this.write(0, this.#disk.subarray(0, kept));
    }
    const from = this.#changed.from;
    if (random() < 0.5) {
      this.truncate(kept + Math.floor(random() * (this.#size - kept + 1)));
    }
    let at = from;
    while (at < this.#size) {
      const end = Math.min(at - at % SECTOR_BYTES + SECTOR_BYTES, this.#size);
      if (random() < 0.5) this.#loseSector(at, end, kept, random);
      at = end;
    }
  }

  /**
   * A sector that was not written holds what it held; one that the file did not have before reads
   * as zeros, or as what stood there in another file.
   */
  #loseSector(start: number, end: number, kept: number, random: Random): void {
    const isStale = random() < 0.25;
    for (let at = start; at < end; at++) {
      const foreign = isStale ? Math.floor(random() * 256) : 0;
      this.#bytes[at] = at < kept ? this.#disk[at] ?? 0 : foreign;
    }
  }

  #note(from: number, to: number): void {
    const changed = this.#changed;
    this.#changed = { from: Math.min(changed.from, from), to: Math.max(changed.to, to) };
  }
}

const NOTHING = { from: Infinity, to: 0 };

function withRoom(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (length <= bytes.length) return bytes;
  const grown = new Uint8Array(Math.max(length, bytes.length * 2));
  grown.set(bytes);
  return grown;
}
