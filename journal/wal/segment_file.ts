/**
 * Segments as files: their names, how one comes into being, and the errors that name them.
 *
 * @module
 */
import type { Disk } from "../disk/mod.ts";
import { StorageError } from "../storage/mod.ts";
import { RecordError } from "./record_error.ts";
import { decodeHeader, encodeHeader, type HeaderFault, type SegmentHeader } from "./segment.ts";

const NAME = /^wal-(\d{10})\.seg$/;
const UNFINISHED_NAME = /^wal-\d{10}\.seg\.new$/;

const REMEDY = "restore the data directory from a backup or another member";

/** More than any segment can have; a file beyond is not read into memory. */
const SIZE_MAX_BYTES = 1.5 * 1024 * 1024 * 1024;

/** A segment's file name. */
export function segmentName(number: number): string {
  return `wal-${String(number).padStart(10, "0")}.seg`;
}

/**
 * Numbers of all segments, ascending. What a crash left of segments in the making is removed, other
 * files are left alone.
 *
 * @throws {StorageError} `foreign` for a file that is named almost like a segment
 */
export function listSegments(disk: Disk): number[] {
  const numbers: number[] = [];
  for (const name of disk.list()) {
    const number = NAME.exec(name)?.[1];
    if (number !== undefined) numbers.push(Number(number));
    else if (UNFINISHED_NAME.test(name)) disk.remove(name);
    else if (name.startsWith("wal-")) {
      throw new StorageError(
        "foreign",
        disk.pathOf(name),
        "is no segment of the log by its name; move it out of the directory",
      );
    }
  }
  return numbers.sort((a, b) => a - b);
}

/** Makes a segment in one step: under its name it is whole or not there (JRN-64). */
export function createSegment(disk: Disk, header: SegmentHeader): void {
  const name = segmentName(header.number);
  const unfinished = `${name}.new`;
  disk.create(unfinished);
  disk.write(unfinished, 0, [encodeHeader(header)]);
  disk.sync(unfinished);
  disk.rename(unfinished, name);
  disk.syncDirectory();
}

/** All bytes of a segment and its header, checked against the name. */
export function readSegment(
  disk: Disk,
  number: number,
): { readonly bytes: Uint8Array; readonly header: SegmentHeader } {
  const name = segmentName(number);
  const size = disk.sizeBytes(name);
  if (size > SIZE_MAX_BYTES) throw damaged(disk, number, 0, `has ${size} bytes: too many`);
  const bytes = disk.read(name, 0, size);
  const header = headerOf(bytes);
  if (typeof header === "string") throw unusable(disk, number, header);
  if (header.number !== number) {
    throw damaged(disk, number, 0, `holds segment ${header.number} of the log`);
  }
  return { bytes, header };
}

function headerOf(bytes: Uint8Array): SegmentHeader | HeaderFault {
  try {
    return decodeHeader(bytes);
  } catch (error) {
    if (error instanceof RecordError) return "corrupt";
    throw error;
  }
}

function unusable(disk: Disk, number: number, fault: HeaderFault): StorageError {
  const path = disk.pathOf(segmentName(number));
  if (fault === "newer") {
    return new StorageError(
      "newer",
      path,
      "the log was written by a newer version; use the newer program",
      { position: "offset 8" },
    );
  }
  if (fault === "foreign") {
    return new StorageError(
      "foreign",
      path,
      `does not begin like a segment of pact's log; ${REMEDY}`,
      { position: "offset 0" },
    );
  }
  return damaged(disk, number, 0, "the header is damaged");
}

/** The error for bytes that cannot be what was written. */
export function damaged(
  disk: Disk,
  number: number,
  offset: number,
  detail: string,
  cause?: unknown,
): StorageError {
  return new StorageError("corrupt", disk.pathOf(segmentName(number)), `${detail}; ${REMEDY}`, {
    position: `offset ${offset}`,
    cause,
  });
}

/** The error for a segment that is not there. */
export function missing(disk: Disk, number: number): StorageError {
  return new StorageError(
    "corrupt",
    disk.pathOf(segmentName(number)),
    `this segment of the log is missing; put it back, or ${REMEDY}`,
  );
}
