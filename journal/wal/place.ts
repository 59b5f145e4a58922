import type { EntryPlace } from "./entry_record.ts";

/** More than a segment has bytes: what one may hold and a write that began below that. */
const SEGMENT_SPAN = 2 ** 32;

/**
 * Where the record of an entry stands: segment and offset in one number. A member has one for every
 * entry of its log, and an array of numbers is nothing to a collector that has to look through it.
 */
export type Place = number;

/** Where the bytes of a write begin. */
export interface PlaceBase {
  readonly segment: number;
  readonly offset: number;
}

/** The place at `offset` of a segment. */
export function placeAt(segment: number, offset: number): Place {
  return segment * SEGMENT_SPAN + offset;
}

/** Segment and offset of a place. */
export function located(place: Place): PlaceBase {
  return { segment: Math.floor(place / SEGMENT_SPAN), offset: place % SEGMENT_SPAN };
}

/** Where the entries of a write came to stand that begins at `base`; theirs are within the write. */
export function placesFrom(
  { segment, offset }: PlaceBase,
  entries: readonly EntryPlace[],
): Place[] {
  return entries.map((entry) => placeAt(segment, offset + entry.offset));
}
