/** Rules about single files: their length, their loops, and what they call. */
import { type Scan, scan } from "./scan.ts";
import { type Finding, isGenerated, lineAt, type Tree } from "./tree.ts";

/** Longest source file, in lines. */
export const MAX_LINES = 500;

/** Sources that people write: TypeScript and C. */
function sourcesOf(tree: Tree): [string, string][] {
  return [...tree].filter(([path]) => /\.(?:ts|c|h)$/.test(path) && !isGenerated(path));
}

function scanFile(path: string, source: string): Scan {
  return scan(source, path.endsWith(".ts") ? "ts" : "c");
}

export function checkLength(tree: Tree): Finding[] {
  return sourcesOf(tree).flatMap(([path, source]) => {
    const lines = source.split("\n").length - (source.endsWith("\n") ? 1 : 0);
    if (lines <= MAX_LINES) return [];
    return [{ path, line: 0, rule: "length", message: `${lines} lines, more than ${MAX_LINES}` }];
  });
}

const ENDLESS = /\bwhile\s*\(\s*(?:true|1)\s*\)|\bfor\s*\(\s*;\s*;\s*\)/g;

/** A loop without a bound says on the line above why it ends. */
export function checkLoops(tree: Tree): Finding[] {
  return sourcesOf(tree).flatMap(([path, source]) => {
    const lines = source.split("\n");
    return [...scanFile(path, source).code.matchAll(ENDLESS)].flatMap((match) => {
      const line = lineAt(source, match.index);
      const above = (lines[line - 2] ?? "").trim();
      if (/^(?:\/\/|\/\*).*\w/.test(above) || above.endsWith("*/")) return [];
      const message = "an endless loop without a comment above that says why it ends";
      return [{ path, line, rule: "loop", message }];
    });
  });
}

/** Native code is loaded in ffi/ alone; tests may show what loading does. */
export function checkNative(tree: Tree): Finding[] {
  return sourcesOf(tree).filter(([path]) => path.endsWith(".ts")).flatMap(([path, source]) => {
    if (path.startsWith("ffi/") || path.startsWith("tests/")) return [];
    return [...scanFile(path, source).code.matchAll(/\bDeno\s*\.\s*dlopen\b/g)].map((match) => ({
      path,
      line: lineAt(source, match.index),
      rule: "native",
      message: "only ffi/ loads native code",
    }));
  });
}
