/**
 * Memory for many small payloads: they share blocks, because a buffer of its own costs more than all
 * that is written into it. A block lives for as long as one of its payloads does, so what shares one
 * should come and go together.
 */
export class Room {
  static readonly #BLOCK_BYTES = 65_536;
  #block = new Uint8Array(Room.#BLOCK_BYTES);
  #used = 0;

  /** So many bytes that nobody else has; a large piece is a buffer of its own. */
  take(bytes: number): Uint8Array {
    if (bytes > Room.#BLOCK_BYTES / 8) return new Uint8Array(bytes);
    if (this.#used + bytes > Room.#BLOCK_BYTES) {
      this.#block = new Uint8Array(Room.#BLOCK_BYTES);
      this.#used = 0;
    }
    const from = this.#used;
    this.#used += bytes;
    return this.#block.subarray(from, this.#used);
  }
}
