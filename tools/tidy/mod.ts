/** The repository's own rules, beyond what fmt, lint and check see. */
import { checkArrows, checkCycles } from "./arrows.ts";
import { checkDependencies, checkPackageLimits, checkSpecifiers } from "./dependencies.ts";
import { checkDoors } from "./doors.ts";
import { checkLength, checkLoops, checkNative } from "./style.ts";
import type { Finding, Rule, Tree } from "./tree.ts";
import { checkMissing, checkUnused } from "./unused.ts";
import { checkWords } from "./words.ts";

export { type Finding, readTree, type Tree } from "./tree.ts";

const RULES: readonly Rule[] = [
  checkArrows,
  checkCycles,
  checkDoors,
  checkMissing,
  checkUnused,
  checkLength,
  checkLoops,
  checkNative,
  checkWords,
  checkDependencies,
  checkSpecifiers,
  checkPackageLimits,
];

/** Everything in a tree that breaks a rule, by path and line. */
export function tidy(tree: Tree): Finding[] {
  return RULES.flatMap((rule) => rule(tree)).sort((a, b) =>
    a.path < b.path ? -1 : a.path > b.path ? 1 : a.line - b.line
  );
}

/** One finding as a line an editor can jump to. */
export function formatFinding({ path, line, rule, message }: Finding): string {
  return `${path}${line > 0 ? `:${line}` : ""}: ${rule}: ${message}`;
}
