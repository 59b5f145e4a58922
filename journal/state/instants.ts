/**
 * Instants as the leader stamps records with them, as text and in milliseconds since the epoch. The
 * newest is kept both ways: a leader stamps all records of a batch alike, and each of them asks.
 *
 * @module
 */

/** The newest stamp; a stamp may have a fraction of a millisecond, its text has none. */
let newest = { stampMs: Number.NaN, text: "", ms: Number.NaN };

/** A stamp as the text that stands in documents. */
export function instantText(stampMs: number): string {
  if (stampMs !== newest.stampMs) {
    const text = new Date(stampMs).toISOString();
    newest = { stampMs, text, ms: Date.parse(text) };
  }
  return newest.text;
}

/** The same as `Date.parse`, and quicker for the newest stamp. */
export function instantMs(text: string): number {
  return text === newest.text ? newest.ms : Date.parse(text);
}
