import type { shell } from "../../api/mod.ts";
import type { TerminalSize } from "../../ffi/mod.ts";
import { RefusedError } from "../entries/mod.ts";

/** What a caller's terminal is like. */
export interface ShellTerminal extends TerminalSize {
  /** The value of TERM. */
  readonly term: string;
}

const MAX_SIDE = 500;
const DEFAULT: ShellTerminal = { rows: 24, columns: 80, term: "xterm-256color" };

/**
 * The terminal that the first message of a shell asks for (SHL-1); what it leaves out is 24 rows of 80
 * columns, and `xterm-256color`.
 *
 * @throws {RefusedError} INVALID_ARGUMENT, saying what is wrong.
 */
export function terminalOf({ input }: shell.ShellInput): ShellTerminal {
  if (input.case !== "open") {
    throw new RefusedError("INVALID_ARGUMENT", "the first message must be open");
  }
  const { rows, cols, term } = input.value;
  if (rows > MAX_SIDE || cols > MAX_SIDE) {
    throw new RefusedError("INVALID_ARGUMENT", `rows and cols: 1 to ${MAX_SIDE}`);
  }
  if (!/^[A-Za-z0-9+._-]{0,64}$/.test(term)) {
    throw new RefusedError("INVALID_ARGUMENT", "term: at most 64 letters, digits and + . _ -");
  }
  return {
    rows: rows || DEFAULT.rows,
    columns: cols || DEFAULT.columns,
    term: term || DEFAULT.term,
  };
}

/** The size that a resize asks for, within bounds (SHL-1). */
export function clampedSize({ rows, cols }: shell.ShellResize): TerminalSize {
  const clamp = (side: number) => Math.min(Math.max(side, 1), MAX_SIDE);
  return { rows: clamp(rows), columns: clamp(cols) };
}
