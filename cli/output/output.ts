import type { JsonValue } from "../../common/json/mod.ts";
import type { Failure } from "../failure/mod.ts";
import type { Host } from "../host/mod.ts";
import { type Paint, paint } from "./color.ts";
import { printable } from "./text.ts";

/** The two forms of output (CLI-2). */
export type OutputFormat = "text" | "json";

/** Where a command says what it has to say, in the form that was asked for. */
export interface Output {
  readonly format: OutputFormat;
  /** Colours for standard output. */
  readonly paint: Paint;
  /**
   * The one result: lines in text form, one document in JSON form (CLI-7). Lines must already be
   * safe to print.
   */
  result(lines: readonly string[], document: JsonValue): Promise<void>;
  /** One event of a stream: a line, or one document on a line of its own. */
  event(line: string | undefined, document: JsonValue): Promise<void>;
  /** Before the result is shown again: an empty screen on a terminal, nothing elsewhere. */
  clear(): Promise<void>;
  /** A diagnostic on standard error; the text is made safe to print. */
  note(text: string): Promise<void>;
  /** Bytes exactly as they came, in text form only (CLI-90). */
  raw(stream: "stdout" | "stderr", bytes: Uint8Array): Promise<void>;
  /** Why the command ended, on standard error (CLI-7, CLI-8). */
  failure(failure: Failure): Promise<void>;
}

const encoder = new TextEncoder();

/** Output on the streams of `host`. */
export function createOutput(host: Host, format: OutputFormat, color: boolean): Output {
  const inColor = color && format === "text";
  const toStdout = (text: string) => host.stdout.write(encoder.encode(text));
  const toStderr = (text: string) => host.stderr.write(encoder.encode(text));
  const painter = paint(inColor && host.stdout.isTerminal);
  const errorPainter = paint(inColor && host.stderr.isTerminal);
  return {
    format,
    paint: painter,
    async result(lines, document) {
      if (format === "json") await toStdout(`${JSON.stringify(document, undefined, 2)}\n`);
      else if (lines.length > 0) await toStdout(`${lines.join("\n")}\n`);
    },
    async event(line, document) {
      if (format === "json") await toStdout(`${JSON.stringify(document)}\n`);
      else if (line !== undefined) await toStdout(`${line}\n`);
    },
    async clear() {
      if (format === "text" && host.stdout.isTerminal) await toStdout("\u001b[H\u001b[2J");
    },
    note: (text) => toStderr(`${printable(text)}\n`),
    raw: (stream, bytes) => host[stream].write(bytes),
    async failure(failure) {
      if (format === "json") {
        const { code, message, exitCode, hints } = failure;
        const error = { code, message, exit_code: exitCode, ...(hints.length > 0 && { hints }) };
        await toStderr(`${JSON.stringify({ error })}\n`);
        return;
      }
      const hints = failure.hints.map((hint) => `  ${printable(hint)}\n`).join("");
      const label = errorPainter("bad", "Error:");
      await toStderr(`${label} ${printable(failure.message)}\n${hints}`);
    },
  };
}
