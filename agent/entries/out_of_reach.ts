const CODES: ReadonlySet<string> = new Set([
  "UNAVAILABLE",
  "NO_QUORUM",
  "NO_LEADER",
  "SHUTTING_DOWN",
  "DEADLINE",
]);

/** Whether an error code says that the journal, or its quorum, could not be asked: nothing was decided. */
export function isOutOfReach(code: string): boolean {
  return CODES.has(code);
}
