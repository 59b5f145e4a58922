import { redactSecrets } from "../../contracts/mod.ts";

/** Longest line shown; the rest of it is cut (DIA-8). */
const MAX_LINE_CHARS = 8 * 1024;
/** Most a chunk of an answer holds (DIA-8). */
const MAX_CHUNK_LINES = 1000;
const MAX_CHUNK_CHARS = 256 * 1024;

/** Keeps the last lines of a byte stream, secrets redacted (DIA-9). */
export class LineTail {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #kept: string[] = [];
  /** Lines were dropped, or cut. */
  isCut = false;

  constructor(private readonly limit: number) {}

  add(bytes: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = (lines.pop() ?? "").slice(0, MAX_LINE_CHARS + 1);
    for (const line of lines) this.#kept.push(line);
    // Dropping in bulk keeps a long stream from being copied line by line.
    if (this.#kept.length > 2 * this.limit) this.#dropSurplus();
  }

  lines(): string[] {
    if (this.#rest !== "") this.#kept.push(this.#rest);
    this.#rest = "";
    this.#dropSurplus();
    return this.#kept.map((line) => this.#shown(line));
  }

  #dropSurplus(): void {
    if (this.#kept.length <= this.limit) return;
    this.isCut = true;
    this.#kept = this.#kept.slice(-this.limit);
  }

  #shown(line: string): string {
    if (line.length <= MAX_LINE_CHARS) return redactSecrets(line);
    this.isCut = true;
    return redactSecrets(line.slice(0, MAX_LINE_CHARS));
  }
}

/** Lines in portions that fit a chunk; one empty portion where there are none (DIA-6). */
export function* portions(lines: readonly string[]): Generator<string[]> {
  let portion: string[] = [];
  let chars = 0;
  for (const line of lines) {
    const isFull = portion.length >= MAX_CHUNK_LINES || chars + line.length > MAX_CHUNK_CHARS;
    if (isFull && portion.length > 0) {
      yield portion;
      portion = [];
      chars = 0;
    }
    portion.push(line);
    chars += line.length;
  }
  if (portion.length > 0 || lines.length === 0) yield portion;
}
