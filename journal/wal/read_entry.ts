import type { Disk } from "../disk/mod.ts";
import type { Entry } from "../raft/mod.ts";
import { decodeEntry } from "./entry_record.ts";
import { RecordError } from "./record_error.ts";
import type { Place } from "./recovery.ts";
import { damaged, segmentName } from "./segment_file.ts";

/**
 * The entry at `place`, verified.
 *
 * @throws {StorageError} `corrupt` with file and offset when the bytes are not what was written,
 * `io` when they cannot be read
 */
export function readEntry(disk: Disk, { segment, offset, bytes }: Place): Entry {
  const record = disk.read(segmentName(segment), offset, bytes);
  try {
    return decodeEntry(record);
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    throw damaged(disk, segment, offset, `an entry of the log is damaged: ${error.detail}`, error);
  }
}
