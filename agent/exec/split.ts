/**
 * Splits a command line by the quoting rules of the POSIX shell, without any expansion (EXE-1).
 *
 * ```ts
 * import { splitCommand } from "./split.ts";
 *
 * const words = splitCommand(`grep -e "a b" 'it''s' /etc/pact\\ x`);
 * if (words.join("|") !== "grep|-e|a b|its|/etc/pact x") throw new Error(words.join("|"));
 * ```
 *
 * @throws {SyntaxError} when a quote is not closed, or nothing follows the last backslash
 */
export function splitCommand(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  for (let at = 0; at < text.length;) {
    const character = text[at] ?? "";
    if (/\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
      at++;
    } else {
      const { literal, next } = readPiece(text, at);
      word = (word ?? "") + literal;
      at = next;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

interface Piece {
  readonly literal: string;
  readonly next: number;
}

function readPiece(text: string, at: number): Piece {
  switch (text[at]) {
    case "'": {
      const end = text.indexOf("'", at + 1);
      if (end < 0) throw new SyntaxError("unclosed single quote");
      return { literal: text.slice(at + 1, end), next: end + 1 };
    }
    case '"':
      return readDoubleQuoted(text, at + 1);
    case "\\":
      return readEscaped(text, at);
    default:
      return { literal: text[at] ?? "", next: at + 1 };
  }
}

function readEscaped(text: string, at: number): Piece {
  const escaped = text[at + 1];
  if (escaped === undefined) throw new SyntaxError("nothing follows the last backslash");
  return { literal: escaped === "\n" ? "" : escaped, next: at + 2 };
}

/** Between double quotes a backslash only escapes `$`, a backquote, `"`, `\` and a newline. */
function readDoubleQuoted(text: string, start: number): Piece {
  let literal = "";
  for (let at = start; at < text.length;) {
    const character = text[at] ?? "";
    if (character === '"') return { literal, next: at + 1 };
    if (character === "\\" && /[$`"\\\n]/.test(text[at + 1] ?? "")) {
      const piece = readEscaped(text, at);
      literal += piece.literal;
      at = piece.next;
    } else {
      literal += character;
      at++;
    }
  }
  throw new SyntaxError("unclosed double quote");
}
