/** Most items that wait for one consumer (SUB-6). */
export const MAX_QUEUED = 1024;

/** What waits for one consumer: bounded, and closed by its overflow. */
export class Inbox<Item> {
  #items: Item[] = [];
  #isLagging = false;
  #woken = Promise.withResolvers<void>();

  /** Whether it overflowed; nothing is queued after that. */
  get isLagging(): boolean {
    return this.#isLagging;
  }

  /** Queues an item and wakes the consumer; false when the inbox overflowed by it. */
  push(item: Item): boolean {
    if (this.#isLagging) return true;
    const isQueued = this.add(item);
    this.wake();
    return isQueued;
  }

  /** Queues an item for a consumer whom somebody else wakes; false when the inbox overflowed by it. */
  add(item: Item): boolean {
    if (this.#isLagging) return true;
    this.#isLagging = this.#items.length >= MAX_QUEUED;
    if (!this.#isLagging) this.#items.push(item);
    return !this.#isLagging;
  }

  /** Items since the last call, oldest first; empties the inbox. */
  take(): readonly Item[] {
    const taken = this.#items;
    this.#items = [];
    return taken;
  }

  /** Resolves when there is something to take, it overflowed, or somebody wakes it. */
  async wait(): Promise<void> {
    await this.#woken.promise;
    this.#woken = Promise.withResolvers();
  }

  /** Ends a wait under way, or the next one at once. */
  wake(): void {
    this.#woken.resolve();
  }
}
