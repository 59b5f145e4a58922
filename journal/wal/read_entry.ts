import type { Disk } from "../disk/mod.ts";
import type { Entry } from "../raft/mod.ts";
import { decodeEntry, recordBytes } from "./entry_record.ts";
import { located, type Place } from "./place.ts";
import { RecordError } from "./record_error.ts";
import { damaged, segmentName } from "./segment_file.ts";

/** Read first: most records are no longer, and the head of every other is in it. */
const FIRST_READ_BYTES = 2048;

/**
 * The entry at `place`, verified.
 *
 * @throws {StorageError} `corrupt` with file and offset when the bytes are not what was written,
 * `io` when they cannot be read
 */
export function readEntry(disk: Disk, place: Place): Entry {
  const { segment, offset } = located(place);
  const name = segmentName(segment);
  const first = disk.read(name, offset, FIRST_READ_BYTES);
  try {
    const length = recordBytes(first);
    const isWhole = length <= first.length;
    return decodeEntry(isWhole ? first.subarray(0, length) : disk.read(name, offset, length));
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    throw damaged(disk, segment, offset, `an entry of the log is damaged: ${error.detail}`, error);
  }
}
