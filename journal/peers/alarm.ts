/**
 * Lets one waiter sleep until there is something to do. Rings in a later turn of the event loop, so
 * that everything of one turn is done together.
 */
export class Alarm {
  #waiting: PromiseWithResolvers<void> | undefined;
  #isRung = false;
  #isScheduled = false;

  ring(): void {
    this.#isRung = true;
    if (this.#isScheduled || this.#waiting === undefined) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#waiting?.resolve();
      this.#waiting = undefined;
    });
  }

  /** Resolves after the next ring, or at once when it has rung since the last time. */
  async rung(): Promise<void> {
    if (!this.#isRung) {
      this.#waiting ??= Promise.withResolvers<void>();
      await this.#waiting.promise;
    }
    this.#isRung = false;
  }
}
