import { BackupError } from "./backup_error.ts";

/** Longest line of an export: an overlay of 10 MiB, escaped twice. */
const LINE_MAX_CHARS = 64 * 1024 * 1024;

/** Cuts bytes into lines of UTF-8 text; the last one may lack its newline. */
export class LineSplitter {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #parts: string[] = [];
  #chars = 0;

  /** The lines that end in this chunk. */
  push(chunk: Uint8Array): string[] {
    const lines = this.#decode(chunk).split("\n");
    const rest = lines.pop() ?? "";
    if (lines.length > 0) lines[0] = this.#take() + lines[0];
    this.#parts.push(rest);
    this.#chars += rest.length;
    if (this.#chars > LINE_MAX_CHARS) {
      throw new BackupError(`a line is longer than ${LINE_MAX_CHARS} characters`);
    }
    return lines;
  }

  /** What stands behind the last newline. */
  end(): string[] {
    const rest = this.#take();
    return rest === "" ? [] : [rest];
  }

  #take(): string {
    const rest = this.#parts.join("");
    this.#parts = [];
    this.#chars = 0;
    return rest;
  }

  #decode(chunk: Uint8Array): string {
    try {
      return this.#decoder.decode(chunk, { stream: true });
    } catch (cause) {
      throw new BackupError("it holds bytes that are no UTF-8 text", { cause });
    }
  }
}
