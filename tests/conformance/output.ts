/** From most to least talkative; NONE silences a script's own output too. */
export const LOG_LEVELS = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL", "NONE"] as const;

export type LogLevel = typeof LOG_LEVELS[number];

/** What a command prints. */
export class Output {
  level: LogLevel = "DEBUG";
  #text = "";

  /** Starts anew. @returns what was written so far */
  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  write(text: string): void {
    if (this.level !== "NONE") this.#text += text;
  }

  /** Adds to the text whatever the level. */
  force(text: string): void {
    this.#text += text;
  }

  log(level: LogLevel, text: string): void {
    if (LOG_LEVELS.indexOf(this.level) <= LOG_LEVELS.indexOf(level)) {
      this.write(`${level} ${text}\n`);
    }
  }

  /** Writes what `block` writes, line by line, two spaces in. */
  indented(block: () => void): void {
    const before = this.take();
    try {
      block();
    } finally {
      const inner = this.take();
      const lines = inner.endsWith("\n") ? inner.slice(0, -1) : inner;
      this.#text = before;
      if (inner !== "") this.force(lines.split("\n").map((line) => `  ${line}\n`).join(""));
    }
  }
}
