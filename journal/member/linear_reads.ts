import type { Index, ReadState } from "../raft/mod.ts";

/** Most reads that may wait for a place at once. */
export const READS_MAX_WAITING = 16_384;

/** What is to be done for waiting reads. */
export type ReadEffect =
  /** Ask the core with this context. */
  | { readonly kind: "ask"; readonly context: Uint8Array }
  /** These reads are linearizable from `index` on. */
  | { readonly kind: "place"; readonly ids: readonly number[]; readonly index: Index };

/** A question under way: all reads that came before it was asked are answered by it. */
interface Question {
  readonly ids: readonly number[];
  askedMs: number;
}

/**
 * Linearizable reads as a pure machine: collects reads that come together into one question to the
 * core and repeats a question that got lost under a new context (JRN-59).
 */
export class LinearReads {
  /** Distinguishes the questions of this process from those before it. */
  readonly #origin: number;
  readonly #retryMs: number;
  readonly #questions = new Map<number, Question>();
  #collected: number[] = [];
  #lastQuestion = 0;
  #lastRead = 0;

  /** @param origin a number that no earlier process of this member drew, below 2^32 */
  constructor(origin: number, retryMs: number) {
    this.#origin = origin;
    this.#retryMs = retryMs;
  }

  get size(): number {
    let count = this.#collected.length;
    for (const { ids } of this.#questions.values()) count += ids.length;
    return count;
  }

  /** A read comes in. @returns its id */
  add(): number {
    const id = ++this.#lastRead;
    this.#collected.push(id);
    return id;
  }

  /** Asks for all reads collected so far. */
  flush(nowMs: number): readonly ReadEffect[] {
    if (this.#collected.length === 0) return [];
    const ids = this.#collected;
    this.#collected = [];
    return [this.#ask(ids, nowMs)];
  }

  /** The core answered a question, maybe one that was given up. */
  answered({ context, index }: ReadState): readonly ReadEffect[] {
    const number = this.#numberOf(context);
    const question = number === undefined ? undefined : this.#questions.get(number);
    if (number === undefined || question === undefined) return [];
    this.#questions.delete(number);
    return question.ids.length === 0 ? [] : [{ kind: "place", ids: question.ids, index }];
  }

  /** Repeats what was asked too long ago. */
  tick(nowMs: number): readonly ReadEffect[] {
    const late = [...this.#questions].filter(([, { askedMs }]) => nowMs - askedMs >= this.#retryMs);
    return late.map(([number, { ids }]) => {
      this.#questions.delete(number);
      return this.#ask(ids, nowMs);
    });
  }

  /** The reader gave up. */
  forget(id: number): void {
    this.#collected = this.#collected.filter((other) => other !== id);
    for (const [number, question] of this.#questions) {
      if (!question.ids.includes(id)) continue;
      const ids = question.ids.filter((other) => other !== id);
      if (ids.length === 0) this.#questions.delete(number);
      else this.#questions.set(number, { ...question, ids });
      return;
    }
  }

  #ask(ids: readonly number[], nowMs: number): ReadEffect {
    const number = ++this.#lastQuestion;
    this.#questions.set(number, { ids, askedMs: nowMs });
    const context = new Uint8Array(8);
    const view = new DataView(context.buffer);
    view.setUint32(0, this.#origin);
    view.setUint32(4, number);
    return { kind: "ask", context };
  }

  #numberOf(context: Uint8Array): number | undefined {
    if (context.length !== 8) return undefined;
    const view = new DataView(context.buffer, context.byteOffset, 8);
    return view.getUint32(0) === this.#origin ? view.getUint32(4) : undefined;
  }
}
