/**
 * Keeps a database file and the connections that fold its write-ahead log apart. The last connection
 * to close deletes the log by its name; after the file was replaced that would be the new one's. So
 * the owner closes and replaces only while no other connection is open.
 *
 * | gate   | folder comes      | owner comes                |
 * |--------|-------------------|----------------------------|
 * | open   | folding           | shut                       |
 * | folding| turned away       | waits, then shut           |
 * | shut   | turned away       | shut                       |
 *
 * @module
 */

const OPEN = 0;
const FOLDING = 1;
const SHUT = 2;

/** How long a fold may hold its owner up before something is wrong with the disk. */
const WAIT_MAX_MS = 60_000;

/** A new gate, open; it is handed to the other thread as it is. */
export function newGate(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** Runs `fold` unless the gate is shut or somebody folds. */
export function passGate(gate: Int32Array<SharedArrayBuffer>, fold: () => void): void {
  if (Atomics.compareExchange(gate, 0, OPEN, FOLDING) !== OPEN) return;
  try {
    fold();
  } finally {
    Atomics.store(gate, 0, OPEN);
    Atomics.notify(gate, 0);
  }
}

/**
 * Shuts the gate for good and waits until nobody folds.
 *
 * @throws {Error} when the fold does not end.
 */
export function shutGate(gate: Int32Array<SharedArrayBuffer>): void {
  // Ends when the gate is shut: whoever folds opens it again, and nobody shuts it twice.
  while (Atomics.compareExchange(gate, 0, OPEN, SHUT) === FOLDING) {
    if (Atomics.wait(gate, 0, FOLDING, WAIT_MAX_MS) === "timed-out") {
      throw new Error("the write-ahead log of the state is being folded for too long");
    }
  }
}
