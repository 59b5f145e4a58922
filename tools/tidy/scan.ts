/**
 * Tells code from comments and texts in TypeScript and C, so that a rule about code does not
 * fire on a sentence. Not a parser: it knows quotes, templates, comments and regular expressions.
 */

/** A quoted text without substitutions. */
export interface Literal {
  readonly value: string;
  /** Position of the opening quote. */
  readonly at: number;
}

export interface Scan {
  /** The source with comments, texts and regular expressions blanked; positions are kept. */
  readonly code: string;
  readonly literals: readonly Literal[];
}

/** After one of these a slash begins a regular expression, not a division. */
const BEFORE_REGEX =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|throw|await|yield))$/;

/** Scans a source; `language` decides whether templates and regular expressions exist. */
export function scan(source: string, language: "ts" | "c"): Scan {
  const literals: Literal[] = [];
  let code = "";
  /** Depth of braces at which each open template substitution ends. */
  const substitutions: number[] = [];
  let depth = 0;
  let at = 0;

  const blankTo = (end: number) => {
    code += source.slice(at, end).replace(/[^\n]/g, " ");
    at = end;
  };
  const template = (from: number) => {
    const { end, isSubstitution } = templateEnd(source, from);
    if (isSubstitution) substitutions.push(depth);
    else if (source[from - 1] === "`") {
      literals.push({ value: source.slice(from, end - 1), at: from - 1 });
    }
    blankTo(end);
  };

  while (at < source.length) {
    const char = source[at] ?? "";
    const pair = source.slice(at, at + 2);
    if (pair === "//") blankTo(endOr(source, source.indexOf("\n", at)));
    else if (pair === "/*") blankTo(endOr(source, source.indexOf("*/", at + 2), 2));
    else if (char === '"' || char === "'") {
      const end = quotedEnd(source, at);
      literals.push({ value: source.slice(at + 1, end - 1), at });
      blankTo(end);
    } else if (language === "ts" && char === "`") template(at + 1);
    else if (language === "ts" && char === "}" && substitutions.at(-1) === depth) {
      substitutions.pop();
      template(at + 1);
    } else if (language === "ts" && char === "/" && BEFORE_REGEX.test(code.trimEnd().slice(-12))) {
      blankTo(regexEnd(source, at));
    } else {
      if (char === "{") depth++;
      if (char === "}") depth--;
      code += char;
      at++;
    }
  }
  return { code, literals };
}

function endOr(source: string, found: number, width = 0): number {
  return found < 0 ? source.length : found + width;
}

/** Past the closing quote, or the end of the line when there is none. */
function quotedEnd(source: string, start: number): number {
  for (let at = start + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === source[start]) return at + 1;
    else if (source[at] === "\n") return at;
  }
  return source.length;
}

/** Past the closing backtick, or past the `${` of the next substitution. */
function templateEnd(source: string, start: number): { end: number; isSubstitution: boolean } {
  for (let at = start; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === "`") return { end: at + 1, isSubstitution: false };
    else if (source.startsWith("${", at)) return { end: at + 2, isSubstitution: true };
  }
  return { end: source.length, isSubstitution: false };
}

/** Past the closing slash; one character on when the line ends first, for then it divides. */
function regexEnd(source: string, start: number): number {
  let isInClass = false;
  for (let at = start + 1; at < source.length && source[at] !== "\n"; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === "[") isInClass = true;
    else if (source[at] === "]") isInClass = false;
    else if (source[at] === "/" && !isInClass) return at + 1;
  }
  return start + 1;
}
