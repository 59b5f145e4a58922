/**
 * The bytes of one segment of the log: a header, then frames. One frame is one write synced to
 * disk before the next began.
 *
 * Header:
 *
 * | offset | bytes | content                                                        |
 * |--------|-------|----------------------------------------------------------------|
 * | 0      | 8     | `pactwal` and a line feed                                      |
 * | 8      | 4     | version of the format                                          |
 * | 12     | 4     | CRC-32 of bytes 0 to 11, in every version                      |
 * | 16     | 8     | number of the segment                                          |
 * | 24     | 8     | number of its first frame                                      |
 * | 32     | 4     | salt of its frames                                             |
 * | 36     | 24    | hard state before the first frame: term, vote, commit          |
 * | 60     | 16    | the entry before the first one kept by then: index, term       |
 * | 76     | 8     | last index by then                                             |
 * | 84     | 4     | CRC-32 of bytes 16 to 83                                       |
 *
 * Frame:
 *
 * | offset | bytes | content                                                        |
 * |--------|-------|----------------------------------------------------------------|
 * | 0      | 4     | magic                                                          |
 * | 4      | 4     | length of the body                                             |
 * | 8      | 8     | number of the frame, counted through all segments              |
 * | 16     | 4     | CRC-32 of the body                                             |
 * | 20     | 4     | CRC-32 of bytes 0 to 19, begun with salt and offset            |
 * | 24     |       | the body: records one behind the other (write_record.ts)       |
 *
 * Salt and offset are in the checksum so that the data of an entry, which others choose, cannot
 * look like a frame.
 *
 * The newest segment may end in zeros: room for frames to come (wal.ts). No other does.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { putInteger, takeInteger } from "./integers.ts";
import type { LogState } from "./log_state.ts";
import { RecordError } from "./record_error.ts";

export const SEGMENT_HEADER_BYTES = 88;
export const FRAME_HEAD_BYTES = 24;
export const SEGMENT_VERSION = 1;

/** Largest body of a frame; writes that wait together are far below. */
export const FRAME_BODY_MAX_BYTES = 1024 * 1024 * 1024;

const SEGMENT_MAGIC = new TextEncoder().encode("pactwal\n");
const FRAME_MAGIC = 0x5741_4c46;
const FRAME_MAGIC_BYTES = Buffer.from([0x46, 0x4c, 0x41, 0x57]);

/** What a segment says of itself, and of the log before its first frame. */
export interface SegmentHeader {
  readonly number: number;
  readonly firstFrame: number;
  readonly salt: number;
  readonly state: LogState;
}

/** Why a header cannot be used. */
export type HeaderFault = "foreign" | "newer" | "corrupt";

/** One frame of a segment. */
export interface Frame {
  readonly number: number;
  /** Of the frame's head, and of its body. */
  readonly offset: number;
  readonly bodyOffset: number;
  readonly end: number;
}

export function encodeHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const { hardState, start, lastIndex } = header.state;
  bytes.set(SEGMENT_MAGIC);
  view.setUint32(8, SEGMENT_VERSION, true);
  view.setUint32(12, crc32(bytes.subarray(0, 12)), true);
  putInteger(view, 16, header.number);
  putInteger(view, 24, header.firstFrame);
  view.setUint32(32, header.salt, true);
  putInteger(view, 36, hardState.term);
  putInteger(view, 44, hardState.vote);
  putInteger(view, 52, hardState.commit);
  putInteger(view, 60, start.index);
  putInteger(view, 68, start.term);
  putInteger(view, 76, lastIndex);
  view.setUint32(84, crc32(bytes.subarray(16, 84)), true);
  return bytes;
}

/** The header at the beginning of `bytes`, or what is wrong with it. */
export function decodeHeader(bytes: Uint8Array): SegmentHeader | HeaderFault {
  const view = viewOf(bytes);
  if (bytes.length < 16 || SEGMENT_MAGIC.some((byte, at) => bytes[at] !== byte)) return "foreign";
  if (crc32(bytes.subarray(0, 12)) !== view.getUint32(12, true)) return "corrupt";
  if (view.getUint32(8, true) !== SEGMENT_VERSION) return "newer";
  if (bytes.length < SEGMENT_HEADER_BYTES) return "corrupt";
  if (crc32(bytes.subarray(16, 84)) !== view.getUint32(84, true)) return "corrupt";
  return {
    number: takeInteger(view, 16),
    firstFrame: takeInteger(view, 24),
    salt: view.getUint32(32, true),
    state: {
      hardState: {
        term: takeInteger(view, 36),
        vote: takeInteger(view, 44),
        commit: takeInteger(view, 52),
      },
      start: { index: takeInteger(view, 60), term: takeInteger(view, 68) },
      lastIndex: takeInteger(view, 76),
    },
  };
}

/**
 * The head that goes before `body` when the frame begins at `offset`.
 *
 * @throws {RangeError} when the body is too large
 */
export function frameHead(
  salt: number,
  offset: number,
  number: number,
  body: readonly Uint8Array[],
): Uint8Array {
  const length = body.reduce((sum, part) => sum + part.length, 0);
  if (length > FRAME_BODY_MAX_BYTES) {
    throw new RangeError(`a write of ${length} bytes is too large`);
  }
  const head = new Uint8Array(FRAME_HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, FRAME_MAGIC, true);
  view.setUint32(4, length, true);
  putInteger(view, 8, number);
  view.setUint32(16, body.reduce((sum, part) => crc32(part, sum), 0), true);
  view.setUint32(20, headChecksum(head, salt, offset), true);
  return head;
}

/** The frame at `offset`, whole; undefined when the bytes there are anything else. */
export function frameAt(
  bytes: Uint8Array,
  { salt }: SegmentHeader,
  offset: number,
  number: number,
): Frame | undefined {
  const view = viewOf(bytes);
  if (headNumber(bytes, view, salt, offset) !== number) return undefined;
  const bodyOffset = offset + FRAME_HEAD_BYTES;
  const end = bodyOffset + view.getUint32(offset + 4, true);
  if (end > bytes.length) return undefined;
  if (crc32(bytes.subarray(bodyOffset, end)) !== view.getUint32(offset + 16, true)) {
    return undefined;
  }
  return { number, offset, bodyOffset, end };
}

/**
 * Whether a frame after number `number` begins anywhere behind `offset`. Its head is proof enough:
 * a frame is begun when the one before it is on disk.
 */
export function laterFrameBehind(
  bytes: Uint8Array,
  { salt }: SegmentHeader,
  offset: number,
  number: number,
): boolean {
  const view = viewOf(bytes);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (
    let at = buffer.indexOf(FRAME_MAGIC_BYTES, offset + 1);
    at >= 0;
    at = buffer.indexOf(FRAME_MAGIC_BYTES, at + 1)
  ) {
    const found = headNumber(bytes, view, salt, at);
    if (found !== undefined && found > number) return true;
  }
  return false;
}

/** Number in the undamaged frame head at `offset`; undefined when there is none. */
function headNumber(
  bytes: Uint8Array,
  view: DataView,
  salt: number,
  offset: number,
): number | undefined {
  if (offset + FRAME_HEAD_BYTES > bytes.length) return undefined;
  if (view.getUint32(offset, true) !== FRAME_MAGIC) return undefined;
  const head = bytes.subarray(offset, offset + FRAME_HEAD_BYTES);
  if (headChecksum(head, salt, offset) !== view.getUint32(offset + 20, true)) return undefined;
  try {
    return takeInteger(view, offset + 8);
  } catch (error) {
    if (error instanceof RecordError) return undefined;
    throw error;
  }
}

function headChecksum(head: Uint8Array, salt: number, offset: number): number {
  return crc32(head.subarray(0, 20), (salt + offset) % 2 ** 32);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
