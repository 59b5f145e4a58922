/**
 * Reads the log back when a member starts (JRN-65).
 *
 * A frame is synced before the next one is begun, so a crash can cut short only the last frame of
 * the newest segment: that tail is cut off, and with it the room for more behind it. Whatever else
 * does not read as it was written is damage, and the member must not start with it. What lies
 * behind the last whole frame is damage too if a later frame begins anywhere in it.
 *
 * A segment that goes on in another ends with a seal. It is written when the next segment's file
 * is there, and before the first frame in it: so a newest segment without frames whose
 * predecessor has no seal was never used, and goes; anything else that breaks the chain is damage.
 *
 * @module
 */
import type { Disk } from "../disk/mod.ts";
import { advance, EMPTY_LOG_STATE, isSameState, type LogState } from "./log_state.ts";
import { type Place, placeAt } from "./place.ts";
import { RecordError } from "./record_error.ts";
import {
  type Frame,
  frameAt,
  laterFrameBehind,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from "./segment.ts";
import {
  createSegment,
  damaged,
  listSegments,
  missing,
  readSegment,
  segmentName,
} from "./segment_file.ts";
import { outlineEntries, readWriteHead, type WriteHead } from "./write_record.ts";

/** An entry found on disk. */
export interface RecoveredEntry {
  readonly index: number;
  readonly term: number;
  readonly place: Place;
}

/** A segment, as far as it matters for when it can go. */
export interface SegmentExtent {
  readonly number: number;
  /** No entry above this index counts any more from this segment. */
  readonly maxIndex: number;
}

/** The log as it was found, and where writing goes on. */
export interface RecoveredLog {
  readonly state: LogState;
  readonly entries: readonly RecoveredEntry[];
  /** Oldest first; the last is the one to write to. */
  readonly segments: readonly SegmentExtent[];
  readonly header: SegmentHeader;
  readonly sizeBytes: number;
  readonly nextFrame: number;
}

/**
 * Recovers the log on `disk`, or begins one; all that is found is durable when this returns.
 *
 * @throws {StorageError} naming file and offset of what cannot be read
 */
export function recover(disk: Disk, newSalt: () => number): RecoveredLog {
  const numbers = listSegments(disk);
  const [oldest] = numbers;
  if (oldest === undefined) return begin(disk, newSalt());
  for (const [position, number] of numbers.entries()) {
    if (number !== oldest + position) throw missing(disk, oldest + position);
  }
  const replay = new Replay(disk, numbers);
  while (!replay.isDone) replay.readNext();
  const recovered = replay.finish();
  // What a killed process wrote may still wait for its sync.
  for (const { number } of recovered.segments.slice(-2)) disk.sync(segmentName(number));
  disk.syncDirectory();
  return recovered;
}

function begin(disk: Disk, salt: number): RecoveredLog {
  const header = { number: 1, firstFrame: 1, salt, state: EMPTY_LOG_STATE };
  createSegment(disk, header);
  return {
    state: header.state,
    entries: [],
    segments: [{ number: 1, maxIndex: 0 }],
    header,
    sizeBytes: SEGMENT_HEADER_BYTES,
    nextFrame: header.firstFrame,
  };
}

interface Segment {
  readonly bytes: Uint8Array;
  readonly header: SegmentHeader;
}

class Replay {
  readonly #disk: Disk;
  readonly #waiting: number[];
  #state = EMPTY_LOG_STATE;
  #entries: RecoveredEntry[] = [];
  #segments: SegmentExtent[] = [];
  #header: SegmentHeader | undefined;
  #sizeBytes = 0;
  #nextFrame = 0;
  #isSealed = false;

  constructor(disk: Disk, numbers: readonly number[]) {
    this.#disk = disk;
    this.#waiting = [...numbers];
  }

  get isDone(): boolean {
    return this.#waiting.length === 0;
  }

  readNext(): void {
    const number = this.#waiting.shift();
    if (number === undefined) return;
    const segment = readSegment(this.#disk, number);
    if (!this.#enter(segment.header)) return;
    this.#segments.push({ number, maxIndex: 0 });
    this.#readFrames(segment);
    if (!this.#isSealed && !this.#mayEndWith(number)) {
      throw damaged(this.#disk, number, this.#sizeBytes, "the segment is cut off");
    }
  }

  /** @throws {StorageError} when entries that count were in segments that are not there */
  finish(): RecoveredLog {
    const header = this.#header;
    if (header === undefined) throw new Error("a log without segments");
    if (this.#isSealed) throw missing(this.#disk, header.number + 1);
    const { start, lastIndex } = this.#state;
    const entries = this.#entries.filter(({ index }) => index > start.index);
    const firstFound = this.#entries[0]?.index ?? lastIndex + 1;
    const oldest = this.#segments[0]?.number ?? header.number;
    if (firstFound > start.index + 1) throw missing(this.#disk, oldest - 1);
    return {
      state: this.#state,
      entries,
      segments: this.#segments,
      header,
      sizeBytes: this.#sizeBytes,
      nextFrame: this.#nextFrame,
    };
  }

  /** Goes on to the next segment; false when it was never used and is gone. */
  #enter(header: SegmentHeader): boolean {
    if (this.#header === undefined) {
      this.#state = header.state;
      this.#nextFrame = header.firstFrame;
    } else if (!this.#isSealed) {
      // Only a last segment without frames can follow one without a seal: see #mayEndWith.
      this.#disk.remove(segmentName(header.number));
      return false;
    } else if (
      header.firstFrame !== this.#nextFrame || !isSameState(header.state, this.#state)
    ) {
      throw damaged(this.#disk, header.number, 0, "does not continue the segment before it");
    }
    this.#isSealed = false;
    this.#header = header;
    return true;
  }

  /** Whether the log may end in `number`: nothing was written to what follows it. */
  #mayEndWith(number: number): boolean {
    if (this.#waiting.length === 0) return true;
    const next = segmentName(number + 1);
    return this.#waiting.length === 1 && this.#disk.sizeBytes(next) === SEGMENT_HEADER_BYTES;
  }

  #readFrames({ bytes, header }: Segment): void {
    let offset = SEGMENT_HEADER_BYTES;
    while (offset < bytes.length) {
      const frame = this.#isSealed ? undefined : frameAt(bytes, header, offset, this.#nextFrame);
      if (frame === undefined) {
        this.#cutTail({ bytes, header }, offset);
        break;
      }
      this.#readFrame(header.number, bytes, frame);
      this.#nextFrame++;
      offset = frame.end;
    }
    this.#sizeBytes = offset;
  }

  /**
   * Cuts off what a crash left of the last frame, and room for more; anything else that cannot be
   * read is damage.
   */
  #cutTail({ bytes, header }: Segment, offset: number): void {
    const { number } = header;
    const isTail = !this.#isSealed && this.#mayEndWith(number) &&
      !laterFrameBehind(bytes, header, offset, this.#nextFrame);
    if (!isTail) throw damaged(this.#disk, number, offset, "the log is damaged here");
    this.#disk.truncate(segmentName(number), offset);
    this.#disk.sync(segmentName(number));
  }

  #readFrame(segment: number, bytes: Uint8Array, { offset, bodyOffset, end }: Frame): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, end);
    try {
      let at = bodyOffset;
      while (at < end) {
        const head = readWriteHead(view, at);
        this.#apply(segment, view, at, head);
        at += head.bytes;
      }
    } catch (error) {
      if (!(error instanceof RecordError) && !(error instanceof RangeError)) throw error;
      throw damaged(
        this.#disk,
        segment,
        offset,
        `the log contradicts itself: ${error.message}`,
        error,
      );
    }
  }

  #apply(segment: number, view: DataView, at: number, head: WriteHead): void {
    this.#state = advance(this.#state, head);
    this.#segments = extendSegments(this.#segments, head);
    this.#isSealed = head.mark.kind === "seal";
    if (head.mark.kind === "restart") this.#entries = [];
    if (head.entryCount === 0) return;
    this.#forgetFrom(head.firstIndex);
    for (const { index, term, offset } of outlineEntries(view, at, head)) {
      this.#entries.push({ index, term, place: placeAt(segment, offset) });
    }
  }

  #forgetFrom(index: number): void {
    const first = this.#entries[0]?.index ?? index;
    this.#entries.length = Math.min(this.#entries.length, Math.max(index - first, 0));
  }
}

/** The segments after a record was written to the last of them. */
export function extendSegments(
  segments: readonly SegmentExtent[],
  { mark, entryCount, firstIndex }: WriteHead,
): SegmentExtent[] {
  const kept = mark.kind === "restart"
    ? 0
    : entryCount > 0
    ? firstIndex - 1
    : Number.MAX_SAFE_INTEGER;
  const last = segments.length - 1;
  return segments.map(({ number, maxIndex }, position) => {
    const isExtended = position === last && entryCount > 0;
    return {
      number,
      maxIndex: isExtended ? firstIndex + entryCount - 1 : Math.min(maxIndex, kept),
    };
  });
}
