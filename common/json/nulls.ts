import type { JsonValue } from "./canonical.ts";

/**
 * Drops every object member that is `null`. Readers of pact documents treat null and a missing key
 * alike (JRN-13, NC-3), so schemas behind this only know "absent".
 */
export function withoutNulls(value: JsonValue): JsonValue {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(withoutNulls);
  const kept: Record<string, JsonValue> = {};
  for (const [key, member] of Object.entries(value)) {
    if (member !== null && member !== undefined) kept[key] = withoutNulls(member);
  }
  return kept;
}
