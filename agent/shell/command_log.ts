import { FIELD_END, PROMPT_MARK, RECORD_START } from "./startup_file.ts";

/** A command that was run in a session (SHL-11). */
export interface LoggedCommand {
  readonly directory: string;
  /** As bash understood it, arguments in quotes where needed; cut at 4096 characters. */
  readonly text: string;
  /** How the typed line ended, if this was the last command that it ran. */
  readonly lineStatus: number | undefined;
}

const MAX_TEXT = 4_096;
/** Longest record that is kept until its end comes; the rest of a longer one is dropped. */
const MAX_RECORD = 256 * 1024;

/**
 * Reads the records by which bash tells what it is about to run. A command is answered with the record
 * that follows it, since that of the next prompt tells how the line ended; `end` answers the last one.
 */
export class CommandLog {
  readonly #decoder = new TextDecoder();
  #partial = "";
  #running: { readonly directory: string; readonly text: string } | undefined;
  #isStarted = false;

  constructor(private readonly sessionId: string) {}

  /** The commands that are known by what came next on the log. */
  add(bytes: Uint8Array): readonly LoggedCommand[] {
    const text = this.#partial + this.#decoder.decode(bytes, { stream: true });
    const records = text.split(RECORD_START);
    // The last is whole only when the next one begins, or by the newline that ends it.
    const last = records.pop() ?? "";
    const isWhole = last.endsWith("\n") && last.includes(`${PROMPT_MARK}\n`);
    this.#partial = isWhole ? "" : last.slice(0, MAX_RECORD);
    return [...records, ...(isWhole ? [last] : [])].flatMap((record) => this.#take(record));
  }

  /** What was still running when the session ended. */
  end(): readonly LoggedCommand[] {
    const last = this.#take(this.#partial);
    this.#partial = "";
    const running = this.#running === undefined
      ? []
      : [{ ...this.#running, lineStatus: undefined }];
    this.#running = undefined;
    return [...last, ...running];
  }

  #take(record: string): readonly LoggedCommand[] {
    const [status = "", session, directory, ...rest] = record.split(FIELD_END);
    if (session !== this.sessionId || directory === undefined) return [];
    const text = rest.join(FIELD_END).trimEnd();
    const isPrompt = text === PROMPT_MARK;
    const lineStatus = isPrompt ? Number(status) & 0xff : undefined;
    const ended = this.#running === undefined ? [] : [{ ...this.#running, lineStatus }];
    // What bash itself runs before the first prompt is not the person's.
    const isTheirs = this.#isStarted && !isPrompt;
    if (isPrompt) this.#isStarted = true;
    this.#running = isTheirs ? { directory, text: text.slice(0, MAX_TEXT) } : undefined;
    return ended;
  }
}

/**
 * Looks in a session's output for what belongs on its command log: bash writes it there once the log's
 * descriptor was closed under it.
 */
export class LogEscape {
  readonly #mark: Uint8Array;
  #tail = new Uint8Array();

  constructor(sessionId: string) {
    this.#mark = new TextEncoder().encode(`${FIELD_END}${sessionId}${FIELD_END}`);
  }

  /** Whether the output, with what came before, has the mark of the log in it. */
  isIn(output: Uint8Array): boolean {
    const { length } = this.#mark;
    const joined = new Uint8Array(this.#tail.length + output.length);
    joined.set(this.#tail);
    joined.set(output, this.#tail.length);
    this.#tail = joined.slice(Math.max(0, joined.length - length + 1));
    const [first = 0] = this.#mark;
    for (let at = joined.indexOf(first); at >= 0; at = joined.indexOf(first, at + 1)) {
      if (this.#mark.every((byte, index) => joined[at + index] === byte)) return true;
    }
    return false;
  }
}
