import type { Difference, ItemValue } from "./item.ts";

/** What stands in place of a value that nobody may read in a report (DRIFT-12). */
export const REDACTED = "[REDACTED]";

const SECRET_KEY = /password|passwd_?file|secret|token|private_?key|credential/i;

/**
 * An item as it may appear in reports, entries and logs: files without their content, and texts of
 * keys that name a secret as `[REDACTED]` (DRIFT-12).
 */
export function redactItem<Item extends Difference>(item: Item): Item {
  const secret = item.category !== "files" && SECRET_KEY.test(item.key);
  return {
    ...item,
    ...(item.declared && { declared: redactValue(item.declared, secret) }),
    ...(item.actual && { actual: redactValue(item.actual, secret) }),
  };
}

function redactValue(value: ItemValue, secret: boolean): ItemValue {
  switch (value.kind) {
    case "file": {
      const { content: _content, ...shown } = value;
      return shown;
    }
    case "text":
      return secret ? { kind: "text", text: REDACTED } : value;
    case "mount":
      return secret ? { ...value, options: REDACTED } : value;
    case "service":
      return value;
  }
}
