/**
 * Membership changes as bytes: one byte for the transition, two for how many changes there are,
 * nine for each of them (kind, member), and the context up to the end of the record.
 *
 * @module
 */
import type { ChangeKind, MembershipChange, Transition } from "../raft/mod.ts";
import { putInteger, takeInteger } from "./integers.ts";
import { RecordError } from "./record_error.ts";

const HEAD_BYTES = 3;
const CHANGE_BYTES = 9;
const CHANGES_MAX = 0xffff;

/** Order is format: what stands in a log is the place in these lists. */
const TRANSITIONS: readonly Transition[] = ["auto", "implicit", "explicit"];
const KINDS: readonly ChangeKind[] = ["add-voter", "add-learner", "remove", "update"];

export function changeRecordBytes({ changes, context }: MembershipChange): number {
  return HEAD_BYTES + changes.length * CHANGE_BYTES + context.length;
}

/** @throws {RangeError} when there are more changes than the format can count */
export function putChange(
  bytes: Uint8Array,
  view: DataView,
  start: number,
  { transition, changes, context }: MembershipChange,
): void {
  if (changes.length > CHANGES_MAX) throw new RangeError("too many membership changes at once");
  view.setUint8(start, TRANSITIONS.indexOf(transition));
  view.setUint16(start + 1, changes.length, true);
  let at = start + HEAD_BYTES;
  for (const { kind, id } of changes) {
    view.setUint8(at, KINDS.indexOf(kind));
    putInteger(view, at + 1, id);
    at += CHANGE_BYTES;
  }
  bytes.set(context, at);
}

/** @throws {RecordError} when the bytes from `start` to `end` are no membership change */
export function takeChange(bytes: Uint8Array, start: number, end: number): MembershipChange {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = end - start < HEAD_BYTES ? 0 : view.getUint16(start + 1, true);
  const contextStart = start + HEAD_BYTES + count * CHANGE_BYTES;
  if (contextStart > end) throw new RecordError("a membership change is cut short", start);
  const changes = Array.from({ length: count }, (_, position) => {
    const at = start + HEAD_BYTES + position * CHANGE_BYTES;
    const kind = KINDS[view.getUint8(at)];
    if (kind === undefined) throw new RecordError("an unknown kind of membership change", at);
    return { kind, id: takeInteger(view, at + 1) };
  });
  const transition = TRANSITIONS[view.getUint8(start)];
  if (transition === undefined) throw new RecordError("an unknown membership transition", start);
  return { transition, changes, context: bytes.subarray(contextStart, end) };
}
