import type { Clock } from "../../common/clock/mod.ts";
import type { Keyboard } from "./keyboard.ts";

/** Where text and bytes of one kind go: standard output or standard error. */
export interface Sink {
  /** Whether a person is looking; decides colour, tables fitted to the width, progress lines. */
  readonly isTerminal: boolean;
  /** Width of the terminal in columns; undefined when it is none. */
  readonly columns: number | undefined;
  /**
   * Writes everything, in order.
   *
   * @throws {BrokenPipe} when the reader has gone (CLI-9).
   */
  write(bytes: Uint8Array): Promise<void>;
}

/** Standard input. */
export interface Source {
  readonly isTerminal: boolean;
  /**
   * All of it.
   *
   * @throws {RangeError} beyond `maxBytes`.
   */
  readAll(maxBytes: number): Promise<Uint8Array>;
  /** One line without its newline; undefined at the end of input. */
  readLine(): Promise<string | undefined>;
}

/** Everything of the process that a command may touch besides files and the network. */
export interface Host {
  readonly stdin: Source;
  readonly keyboard: Keyboard;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly clock: Clock;
  /** Value of an environment variable; undefined when unset or empty. */
  env(name: string): string | undefined;
  /** Numeric id of the calling user; undefined where the system has none. */
  userId(): number | undefined;
  /** 128 bits of randomness in hex, for request ids and what nobody may guess. */
  randomId(): string;
  /** Whether a browser of this person could be opened from here (CLI-25). */
  hasBrowser(): boolean;
  /** Opens `url` in the person's browser; false when there is no program for that. */
  openBrowser(url: string): boolean;
}

/** The reader of our output has gone; the command ends quietly with status 0 (CLI-9). */
export class BrokenPipe extends Error {
  override readonly name = "BrokenPipe";

  constructor() {
    super("the reader of the output has gone");
  }
}
