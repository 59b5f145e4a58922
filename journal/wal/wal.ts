/**
 * Owns the segments of one Raft log on a disk. Every method is synchronous; what it wrote is
 * durable when it returns. Ends with `close`; after the first failed write it refuses everything,
 * because nobody knows what the disk holds then.
 *
 * @module
 */
import type { Disk } from "../disk/mod.ts";
import type { EntryId, HardState } from "../raft/mod.ts";
import { StorageError } from "../storage/mod.ts";
import { advance, type LogState, movesCommitOnly } from "./log_state.ts";
import type { PlaceBase } from "./place.ts";
import { extendSegments, recover, type RecoveredEntry, type SegmentExtent } from "./recovery.ts";
import {
  FRAME_HEAD_BYTES,
  frameHead,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from "./segment.ts";
import { createSegment, segmentName } from "./segment_file.ts";
import { encodeMark, readWriteHead, type WriteHead } from "./write_record.ts";

/** A segment that has reached this size is followed by another. */
export const SEGMENT_MAX_BYTES = 64 * 1024 * 1024;

/**
 * A frame of several entries that needs the segment to grow makes room for so many more of its
 * size: zeros, synced with it, that the next frames are written over. A sync that changes no file
 * size leaves the file system's own journal alone: it takes half the time, and less work by what
 * 60 KB of zeros cost. So there is none for large frames, which would need more room than this; and
 * none for a lone entry, and not more frames, so that a full disk is noticed soon.
 */
const GROWTH_FRAMES = 16;
const GROWTH_MAX_BYTES = 512 * 1024;

/** How a log is kept. */
export interface WalOptions {
  readonly segmentMaxBytes?: number;
  /** The most room that is made at a time for frames to come, at most 512 KiB. */
  readonly growthMaxBytes?: number;
  /** A number from 0 to 2^32 - 1 that those who write entries cannot know. */
  readonly newSalt?: () => number;
}

/** What the log held when it was opened. */
export interface WalRecovered {
  readonly hardState: HardState;
  /** The entry before the first one kept. */
  readonly start: EntryId;
  readonly entries: readonly RecoveredEntry[];
}

/** The durable log of a Raft member. */
export class Wal {
  #recovered: WalRecovered;
  readonly #disk: Disk;
  readonly #segmentMaxBytes: number;
  readonly #zeros: Uint8Array;
  readonly #newSalt: () => number;
  #state: LogState;
  #segments: readonly SegmentExtent[];
  #header: SegmentHeader;
  /** Where the next frame begins. */
  #sizeBytes: number;
  /** The segment's file is at least so long: zeros from `#sizeBytes` on. */
  #roomBytes: number;
  #nextFrame: number;
  /** A moved commit index that goes to disk with the next write. */
  #held: Uint8Array | undefined;
  #failure: StorageError | undefined;

  private constructor(disk: Disk, options: Required<WalOptions>) {
    const { state, entries, segments, header, sizeBytes, nextFrame } = recover(
      disk,
      options.newSalt,
    );
    this.#recovered = { hardState: state.hardState, start: state.start, entries };
    this.#disk = disk;
    this.#segmentMaxBytes = options.segmentMaxBytes;
    this.#zeros = new Uint8Array(Math.min(options.growthMaxBytes, GROWTH_MAX_BYTES));
    this.#newSalt = options.newSalt;
    this.#state = state;
    this.#segments = segments;
    this.#header = header;
    this.#sizeBytes = sizeBytes;
    this.#roomBytes = sizeBytes;
    this.#nextFrame = nextFrame;
    this.#guarded(() => this.#removeSegments());
  }

  /**
   * Recovers the log on `disk`, or begins one.
   *
   * @throws {StorageError} `corrupt`, `foreign` or `newer` with file, offset and what to do
   * (JRN-65); `io` when the disk fails
   */
  static open(
    disk: Disk,
    {
      segmentMaxBytes = SEGMENT_MAX_BYTES,
      growthMaxBytes = GROWTH_MAX_BYTES,
      newSalt = randomSalt,
    }: WalOptions = {},
  ): Wal {
    return new Wal(disk, { segmentMaxBytes, growthMaxBytes, newSalt });
  }

  /** What the log held when it was opened. */
  get recovered(): WalRecovered {
    return this.#recovered;
  }

  /** Nobody asks for the recovered entries any more: of a long log they fill the memory. */
  forgetRecovered(): void {
    this.#recovered = { ...this.#recovered, entries: [] };
  }

  /**
   * Writes what `encodeWrite` gave; durable when this returns. With `sync` false a write that
   * moves nothing but the commit index may be lost in a crash: it waits for the next one.
   *
   * @throws {StorageError} `io`; from then on everything is refused
   * @throws {RangeError} when the write contradicts the log; from then on everything is refused
   */
  write(bytes: Uint8Array, sync = true): PlaceBase {
    const [base] = this.writeAll([bytes], sync);
    return base ?? { segment: this.#header.number, offset: this.#sizeBytes };
  }

  /** Several writes in order, as one and with one sync: after a crash all are there or none. */
  writeAll(writes: readonly Uint8Array[], sync = true): PlaceBase[] {
    return this.#guarded(() => {
      const heads = writes.map(headOf);
      const state = heads.reduce(advance, this.#state);
      if (!sync && heads.every((head) => movesCommitOnly(this.#state, head))) {
        this.#held = writes.at(-1) ?? this.#held;
        this.#state = state;
        return writes.map(() => ({ segment: this.#header.number, offset: this.#sizeBytes }));
      }
      this.#makeRoom();
      const bases = this.#append(writes, heads.reduce((sum, head) => sum + head.entryCount, 0));
      this.#state = state;
      this.#segments = heads.reduce(extendSegments, this.#segments);
      return bases;
    });
  }

  /**
   * Entries up to `id` are needed no more. Segments that hold nothing else are removed; an `id`
   * before the log's beginning changes nothing.
   *
   * @throws {StorageError} `io`; from then on everything is refused
   * @throws {RangeError} when the log does not reach `id`; from then on everything is refused
   */
  compactTo(id: EntryId): void {
    if (id.index <= this.#state.start.index && this.#failure === undefined) return;
    this.write(encodeMark({ kind: "compaction", id }));
    this.#guarded(() => this.#removeSegments());
  }

  /** Writes what waits and lets go of the disk. */
  close(): void {
    try {
      if (this.#held !== undefined && this.#failure === undefined) this.writeAll([]);
    } finally {
      this.#failure ??= new StorageError("io", "log", "is closed");
      this.#disk.close();
    }
  }

  /** Writes one frame with `writes`, and what was held back before them. */
  #append(writes: readonly Uint8Array[], entryCount = 0): PlaceBase[] {
    const body = this.#held === undefined ? writes : [this.#held, ...writes];
    if (body.length === 0) return [];
    const { number: segment, salt } = this.#header;
    const name = segmentName(segment);
    const head = frameHead(salt, this.#sizeBytes, this.#nextFrame, body);
    const end = body.reduce((sum, { length }) => sum + length, this.#sizeBytes + head.length);
    const zeros = this.#growBehind(end, entryCount);
    this.#disk.write(name, this.#sizeBytes, [head, ...body, ...zeros]);
    this.#disk.sync(name);
    let offset = this.#sizeBytes + FRAME_HEAD_BYTES + (this.#held?.length ?? 0);
    const bases: PlaceBase[] = [];
    for (const { length } of writes) {
      bases.push({ segment, offset });
      offset += length;
    }
    this.#sizeBytes = offset;
    this.#nextFrame++;
    this.#held = undefined;
    return bases;
  }

  /**
   * What is to be written behind the next frame, which will end at `end`: zeros, when it does not
   * fit into the room there is. Never past the segment's greatest size, so that a segment that is
   * sealed ends with its seal.
   */
  #growBehind(end: number, entryCount: number): readonly Uint8Array[] {
    if (end <= this.#roomBytes) return [];
    this.#roomBytes = end;
    const wanted = GROWTH_FRAMES * (end - this.#sizeBytes);
    if (entryCount < 2 || wanted > this.#zeros.length || end >= this.#segmentMaxBytes) return [];
    const zeros = this.#zeros.subarray(0, Math.min(wanted, this.#segmentMaxBytes - end));
    this.#roomBytes += zeros.length;
    return [zeros];
  }

  /** Begins a segment when the present one is full: first its file, then the seal, then frames. */
  #makeRoom(): void {
    if (this.#sizeBytes < this.#segmentMaxBytes) return;
    const header = {
      number: this.#header.number + 1,
      firstFrame: this.#nextFrame + 1,
      salt: this.#newSalt(),
      state: this.#state,
    };
    createSegment(this.#disk, header);
    this.#held = undefined;
    this.#append([encodeMark({ kind: "seal" }, this.#state.hardState)]);
    this.#header = header;
    this.#sizeBytes = SEGMENT_HEADER_BYTES;
    this.#roomBytes = SEGMENT_HEADER_BYTES;
    this.#segments = [...this.#segments, { number: header.number, maxIndex: 0 }];
  }

  /** Oldest first, each durably before the next: what is left is always without a gap. */
  #removeSegments(): void {
    for (const { number, maxIndex } of this.#segments.slice(0, -1)) {
      if (maxIndex > this.#state.start.index) return;
      this.#disk.remove(segmentName(number));
      this.#disk.syncDirectory();
      this.#segments = this.#segments.slice(1);
    }
  }

  #guarded<T>(work: () => T): T {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return work();
    } catch (error) {
      this.#failure = failureOf(error, this.#disk.pathOf(segmentName(this.#header.number)));
      throw error;
    }
  }
}

function headOf(bytes: Uint8Array): WriteHead {
  const head = readWriteHead(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
  if (head.bytes !== bytes.length) throw new RangeError("a write is more than one record");
  return head;
}

function failureOf(error: unknown, path: string): StorageError {
  const reason = error instanceof StorageError
    ? error.detail
    : error instanceof Error
    ? error.message
    : String(error);
  return new StorageError(
    "io",
    error instanceof StorageError ? error.path : path,
    `an earlier write failed (${reason}), the log takes no more; repair the disk, then restart`,
    { cause: error },
  );
}

function randomSalt(): number {
  const [salt = 0] = crypto.getRandomValues(new Uint32Array(1));
  return salt;
}
