/**
 * The data-driven script format: directives, each with the exact text it must print.
 *
 * @module
 */

/** `key`, `key=value` or `key=(v1,v2,...)`. */
export interface Argument {
  readonly key: string;
  readonly values: readonly string[];
}

/** One command of a script. */
export interface Directive {
  /** Of the command, from 1. */
  readonly line: number;
  readonly command: string;
  readonly args: readonly Argument[];
  readonly input: string;
  readonly expected: string;
}

/** A script that does not follow the format, or a command that cannot be understood. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";
}

const SEPARATOR = "----";

/** @throws {ScriptError} */
export function parseScript(text: string): Directive[] {
  const lines = new Lines(text);
  const directives: Directive[] = [];
  for (let head = nextHead(lines); head !== undefined; head = nextHead(lines)) {
    const { command, args } = parseHead(head.text, head.line);
    const input = lines.takeUntil((line) => line === SEPARATOR);
    if (input === undefined) throw new ScriptError(`line ${head.line}: no ${SEPARATOR} follows`);
    const expected = takeExpected(lines, head.line);
    directives.push({ line: head.line, command, args, input: input.join("\n").trim(), expected });
  }
  return directives;
}

/** The lines of a text, taken one after the other. */
class Lines {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(text: string) {
    const lines = text.split("\n");
    // A final newline ends the last line and begins no further one.
    this.#lines = lines.at(-1) === "" ? lines.slice(0, -1) : lines;
  }

  /** Number of the line taken last, from 1. */
  get taken(): number {
    return this.#at;
  }

  peek(ahead = 0): string | undefined {
    return this.#lines[this.#at + ahead];
  }

  take(): string | undefined {
    const line = this.#lines[this.#at];
    if (line !== undefined) this.#at++;
    return line;
  }

  /** The lines before the one that fits, which is taken too; undefined when none fits. */
  takeUntil(fits: (line: string, next: string | undefined) => boolean): string[] | undefined {
    const before: string[] = [];
    for (let line = this.take(); line !== undefined; line = this.take()) {
      if (fits(line, this.peek())) return before;
      before.push(line);
    }
    return undefined;
  }
}

function nextHead(lines: Lines): { readonly text: string; readonly line: number } | undefined {
  for (let raw = lines.take(); raw !== undefined; raw = lines.take()) {
    let text = raw.trim();
    if (text === "" || text.startsWith("#")) continue;
    const line = lines.taken;
    for (let more = ""; text.endsWith("\\"); text = `${text.slice(0, -1).trim()} ${more.trim()}`) {
      more = lines.take() ?? "";
    }
    return { text: text.trim(), line };
  }
  return undefined;
}

function takeExpected(lines: Lines, line: number): string {
  if (lines.peek() === SEPARATOR) {
    lines.take();
    const expected = lines.takeUntil((at, next) => at === SEPARATOR && next === SEPARATOR);
    if (expected === undefined) throw new ScriptError(`line ${line}: the expected text never ends`);
    lines.take();
    if ((lines.take() ?? "").trim() !== "") {
      throw new ScriptError(`line ${line}: a blank line must follow the expected text`);
    }
    return joined(expected);
  }
  const expected: string[] = [];
  for (let next = lines.peek(); next !== undefined && next.trim() !== ""; next = lines.peek()) {
    expected.push(next);
    lines.take();
  }
  return joined(expected);
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function parseHead(text: string, line: number): Pick<Directive, "command" | "args"> {
  const command = /^\S+/.exec(text)?.[0] ?? "";
  const args: Argument[] = [];
  let rest = text.slice(command.length).trimStart();
  while (rest !== "") {
    const [key] = /^[^\s=]*/.exec(rest) ?? [""];
    rest = rest.slice(key.length);
    if (key === "") throw new ScriptError(`line ${line}: an argument without a key at "${rest}"`);
    let values: readonly string[] = [];
    if (rest.startsWith("=(")) {
      const end = closingParenthesis(rest, line);
      values = splitValues(rest.slice(2, end));
      rest = rest.slice(end + 1);
      if (rest !== "" && !/^\s/.test(rest)) {
        throw new ScriptError(`line ${line}: no space before "${rest}"`);
      }
    } else if (rest.startsWith("=")) {
      const [value] = /^\S*/.exec(rest.slice(1)) ?? [""];
      values = [value];
      rest = rest.slice(1 + value.length);
    }
    args.push({ key, values });
    rest = rest.trimStart();
  }
  return { command, args };
}

/** Where the parenthesis after the leading `=` closes. */
function closingParenthesis(text: string, line: number): number {
  let depth = 0;
  for (let at = 1; at < text.length; at++) {
    if (text[at] === "(") depth++;
    if (text[at] === ")" && --depth === 0) return at;
  }
  throw new ScriptError(`line ${line}: a parenthesis is not closed`);
}

/** Splits at commas that stand in no further parentheses. */
function splitValues(text: string): string[] {
  if (text.trim() === "") return [];
  const values = [""];
  let depth = 0;
  for (const char of text) {
    if (char === "(") depth++;
    if (char === ")") depth--;
    if (char === "," && depth === 0) values.push("");
    else values[values.length - 1] += char;
  }
  return values.map((value) => value.trim());
}
