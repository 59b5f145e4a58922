/**
 * The durable log of a Raft member: segment files on a disk, each write synced before it counts.
 *
 * @module
 */
export {
  decodeEntries,
  decodeEntry,
  encodeEntries,
  entriesBytes,
  type EntryPlace,
  putEntries,
} from "./entry_record.ts";
export { readEntry } from "./read_entry.ts";
export { RecordError } from "./record_error.ts";
export { located, type Place, type PlaceBase, placesFrom } from "./place.ts";
export type { RecoveredEntry } from "./recovery.ts";
export { SEGMENT_MAX_BYTES, Wal, type WalOptions, type WalRecovered } from "./wal.ts";
export { type DurableLog, openDurableLog } from "./durable_log.ts";
export { type EncodedWrite, encodeWrite, type WalWrite } from "./write_record.ts";
