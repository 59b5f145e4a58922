/** Bytes that are no records of the log: damaged, cut short, or from elsewhere. */
export class RecordError extends Error {
  override readonly name = "RecordError";

  /** @param offset Where in the bytes given the trouble is. */
  constructor(readonly detail: string, readonly offset: number) {
    super(`byte ${offset}: ${detail}`);
  }
}
