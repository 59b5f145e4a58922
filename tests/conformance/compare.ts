/** A diagnostic of the core: not part of what a script pins down. */
const LOG_LINE = /^\s*(?:DEBUG|INFO|WARN|ERROR) /;

/** The lines of a result that count. */
export function essentialLines(text: string): string[] {
  const lines = text.endsWith("\n") ? text.slice(0, -1).split("\n") : text.split("\n");
  const essential = lines.filter((line) => !LOG_LINE.test(line));
  // A block of nothing but diagnostics is the same as one that says so.
  const isVoid = essential.length === 0 || (essential.length === 1 && essential[0] === "");
  return isVoid ? ["ok"] : essential;
}

/** Whether two results say the same, diagnostics aside. */
export function isSame(expected: string, actual: string): boolean {
  return essentialLines(expected).join("\n") === essentialLines(actual).join("\n");
}

/** Two lists of lines as one: ` ` before common ones, `-` before expected, `+` before actual. */
export function diffLines(expected: readonly string[], actual: readonly string[]): string[] {
  const common = commonLengths(expected, actual);
  const lines: string[] = [];
  let at = 0;
  let to = 0;
  while (at < expected.length || to < actual.length) {
    const left = expected[at];
    const right = actual[to];
    if (left !== undefined && left === right) {
      lines.push(`  ${left}`);
      at++;
      to++;
    } else if (
      right === undefined ||
      (left !== undefined && (common[at + 1]?.[to] ?? 0) >= (common[at]?.[to + 1] ?? 0))
    ) {
      lines.push(`- ${left}`);
      at++;
    } else {
      lines.push(`+ ${right}`);
      to++;
    }
  }
  return lines;
}

/** For each pair of places, how many lines what follows has in common. */
function commonLengths(left: readonly string[], right: readonly string[]): number[][] {
  const table = Array.from({ length: left.length + 1 }, () => Array(right.length + 1).fill(0));
  for (let at = left.length - 1; at >= 0; at--) {
    for (let to = right.length - 1; to >= 0; to--) {
      const row = table[at] ?? [];
      row[to] = left[at] === right[to]
        ? (table[at + 1]?.[to + 1] ?? 0) + 1
        : Math.max(table[at + 1]?.[to] ?? 0, row[to + 1] ?? 0);
    }
  }
  return table;
}
