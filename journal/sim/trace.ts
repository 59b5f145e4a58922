import { crc32 } from "node:zlib";

/** Lines kept for the report of a failure. */
const TAIL_LINES = 120;

/** What happened, line by line: the same seed writes the same lines. */
export class Trace {
  readonly #nowUs: () => number;
  readonly #sink: ((line: string) => void) | undefined;
  readonly #tail: string[] = [];
  #checksum = 0;
  #lines = 0;

  /** @param sink is given every line, with its end */
  constructor(nowUs: () => number, sink?: (line: string) => void) {
    this.#nowUs = nowUs;
    this.#sink = sink;
  }

  /** The newest lines. */
  get tail(): readonly string[] {
    return this.#tail.slice(-TAIL_LINES);
  }

  get lines(): number {
    return this.#lines;
  }

  /** Differs when any line differs. */
  get checksum(): number {
    return this.#checksum;
  }

  note(who: string, what: string): void {
    const line = `${(this.#nowUs() / 1000).toFixed(3)} ${who} ${what}\n`;
    this.#lines++;
    this.#checksum = crc32(line, this.#checksum);
    this.#tail.push(line);
    if (this.#tail.length > 2 * TAIL_LINES) this.#tail.splice(0, TAIL_LINES);
    this.#sink?.(line);
  }
}
