/** What no file of the repository may say. */
import { type Finding, isGenerated, lineAt, type Tree } from "./tree.ts";

/** Written in pieces so that this file does not break its own rule. */
const FORBIDDEN: readonly { readonly pattern: RegExp; readonly why: string }[] = [
  {
    pattern: new RegExp(
      ["npm" + "js\\b", "jsr\\." + "io", "deno\\." + "land", "esm\\." + "sh"].join("|"),
      "gi",
    ),
    why: "names a registry's host",
  },
  {
    pattern: new RegExp("(?<![\\w.}*-])/(?:wo" + "rk|ro" + "ot)/", "g"),
    why: "names a path of one machine",
  },
  {
    pattern: new RegExp("\\b(?:TO" + "DO|FIX" + "ME|X" + "XX)\\b", "g"),
    why: "leaves work behind: do it or file it",
  },
];

export function checkWords(tree: Tree): Finding[] {
  return [...tree].filter(([path]) => !isGenerated(path)).flatMap(([path, text]) =>
    FORBIDDEN.flatMap(({ pattern, why }) =>
      [...text.matchAll(pattern)].map((match) => ({
        path,
        line: lineAt(text, match.index),
        rule: "word",
        message: `"${match[0]}" ${why}`,
      }))
    )
  );
}
