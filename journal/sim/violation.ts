/** A promise of the journal that did not hold. */
export class Violation extends Error {
  override readonly name = "Violation";

  /** @param rule names the promise, for example `J1` or `election safety` */
  constructor(readonly rule: string, detail: string) {
    super(`${rule}: ${detail}`);
  }
}
