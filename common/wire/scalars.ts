import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampDate, timestampFromMs } from "../../api/mod.ts";
import { PactError } from "../errors/mod.ts";

/** Protobuf form of an RFC 3339 instant. */
export function instantToWire(instant: string): Timestamp {
  return timestampFromMs(Date.parse(instant));
}

/** RFC 3339 text of a protobuf instant, millisecond precision, UTC. */
export function instantFromWire(timestamp: Timestamp): string {
  try {
    return timestampDate(timestamp).toISOString();
  } catch {
    throw new PactError("INVALID_ARGUMENT", "timestamp out of range");
  }
}

/**
 * A 64-bit counter as a number.
 *
 * @throws {PactError} INVALID_ARGUMENT beyond 2^53, which no sequence reaches.
 */
export function counterFromWire(counter: bigint): number {
  if (counter > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new PactError("INVALID_ARGUMENT", `counter out of range: ${counter}`);
  }
  return Number(counter);
}

/** `{ [key]: value }` when `value` is there, else nothing: absent stays absent. */
export function present<Key extends string, Value>(
  key: Key,
  value: Value | undefined,
): { [K in Key]?: Value } {
  if (value === undefined) return {};
  const member: { [K in Key]?: Value } = {};
  member[key] = value;
  return member;
}
