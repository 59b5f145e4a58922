/**
 * Where the journal keeps what in etcd.
 *
 * | key                            | value       |                                              |
 * |--------------------------------|-------------|----------------------------------------------|
 * | PREFIX/cluster                 | ClusterMark | which cluster the prefix belongs to          |
 * | PREFIX/leader                  | LogLeader   | bound to the leader's lease                  |
 * | PREFIX/head                    | LogHead     | the log's last index                         |
 * | PREFIX/log/INDEX               | LogPiece    | records from INDEX on, 16 hex digits         |
 * | PREFIX/part/INDEX/NUMBER       | bytes       | a part of a payload too large for one key    |
 *
 * @module
 */

const encoder = new TextEncoder();

/** Keys from `key` up to and without `rangeEnd`. */
export interface KeyRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

/** Most records of one piece, which bounds how far back the piece with an index may begin. */
export const PIECE_MAX_RECORDS = 1_024;

/** The keys below one prefix. */
export class Keys {
  readonly cluster: Uint8Array;
  readonly leader: Uint8Array;
  readonly head: Uint8Array;
  readonly #prefix: string;

  /** `prefix` as in `/pact/journal`, without a slash at its end. */
  constructor(prefix: string) {
    this.#prefix = prefix;
    this.cluster = encoder.encode(`${prefix}/cluster`);
    this.leader = encoder.encode(`${prefix}/leader`);
    this.head = encoder.encode(`${prefix}/head`);
  }

  piece(firstIndex: number): Uint8Array {
    return encoder.encode(`${this.#prefix}/log/${hex(firstIndex)}`);
  }

  /** The index that the key of a piece is named for. */
  indexOf(piece: Uint8Array): number {
    return parseInt(new TextDecoder().decode(piece).slice(-16), 16);
  }

  part(index: number, number: number): Uint8Array {
    return encoder.encode(
      `${this.#prefix}/part/${hex(index)}/${number.toString(16).padStart(4, "0")}`,
    );
  }

  /** Every piece. */
  get log(): KeyRange {
    return this.#range("log/", "log0");
  }

  /** Every piece that may hold a record from `index` on. */
  logFrom(index: number): KeyRange {
    return { ...this.log, key: this.piece(Math.max(0, index - PIECE_MAX_RECORDS + 1)) };
  }

  /** The last index whose piece certainly goes with {@link logUpTo}: larger ones may share a piece. */
  lastTrimmed(index: number): number {
    return Math.max(0, index - PIECE_MAX_RECORDS + 1);
  }

  /** Pieces that hold nothing behind `index`. */
  logUpTo(index: number): KeyRange {
    return { ...this.log, rangeEnd: this.piece(this.lastTrimmed(index) + 1) };
  }

  /** Parts of records up to `index`. */
  partsUpTo(index: number): KeyRange {
    return this.#range("part/", `part/${hex(index + 1)}`);
  }

  /** Parts of records from `index` on. */
  partsFrom(index: number): KeyRange {
    return this.#range(`part/${hex(index)}`, "part0");
  }

  /** All parts of one record, in order. */
  partsOf(index: number): KeyRange {
    return this.#range(`part/${hex(index)}/`, `part/${hex(index)}0`);
  }

  #range(from: string, to: string): KeyRange {
    return {
      key: encoder.encode(`${this.#prefix}/${from}`),
      rangeEnd: encoder.encode(`${this.#prefix}/${to}`),
    };
  }
}

function hex(index: number): string {
  return index.toString(16).padStart(16, "0");
}
