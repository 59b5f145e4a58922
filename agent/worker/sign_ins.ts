/** Who is told of each person that signed in. */
export type Meet = (subject: string) => void;

/** People that are remembered until they can be told of; who comes after that is told of next time. */
const MAX_REMEMBERED = 1_000;

/**
 * Who signed in on this node, for the journal to give an id (IDM-4). Callers are served before the
 * identity map is in force and the journal is asked for: they are remembered until `open`.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const met: string[] = [];
 * const signIns = new SignIns();
 * signIns.seen("ana");
 * signIns.open((subject) => met.push(subject));
 * signIns.seen("ben");
 * assert.deepEqual(met, ["ana", "ben"]);
 * ```
 */
export class SignIns {
  readonly #early = new Set<string>();
  #meet: Meet | undefined;

  /** A person's token was believed. */
  seen(subject: string): void {
    if (this.#meet !== undefined) this.#meet(subject);
    else if (this.#early.size < MAX_REMEMBERED) this.#early.add(subject);
  }

  /** From now on `meet` is told at once; first of everybody who came before. */
  open(meet: Meet): void {
    if (this.#meet !== undefined) return;
    this.#meet = meet;
    for (const subject of this.#early) meet(subject);
    this.#early.clear();
  }
}
