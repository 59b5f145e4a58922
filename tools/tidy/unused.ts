/** Every TypeScript file is used by something that is started. */
import { edgesOf } from "./imports.ts";
import { type Finding, isGenerated, type Tree } from "./tree.ts";

/** Whether a file is started by itself: a program, a worker, a tool, a test or a benchmark. */
export function isEntryPoint(path: string, tree: Tree): boolean {
  return /(?:^|\/)(?:main|worker)\.ts$/.test(path) || /^(?:tools|bench)\/[^/]+\.ts$/.test(path) ||
    /^(?:tests|bench)\/.*_(?:test|bench)\.ts$/.test(path) ||
    (tree.get("deno.json") ?? "").includes(path);
}

export function checkUnused(tree: Tree): Finding[] {
  const targets = new Map<string, string[]>();
  for (const { from, to } of edgesOf(tree)) {
    targets.set(from, [...targets.get(from) ?? [], to]);
  }
  const sources = [...tree.keys()].filter((path) => path.endsWith(".ts"));
  const used = new Set(sources.filter((path) => isEntryPoint(path, tree)));
  // A set hands out what is added while it is walked, and holds each path once.
  for (const path of used) for (const to of targets.get(path) ?? []) used.add(to);
  return sources.filter((path) => !used.has(path) && !isGenerated(path)).map((path) => ({
    path,
    line: 0,
    rule: "unused",
    message: "no program, tool or test uses this file",
  }));
}

/** A relative import names a file that is there. */
export function checkMissing(tree: Tree): Finding[] {
  return edgesOf(tree)
    .filter(({ to, kind }) => kind === "import" && !tree.has(to) && !isGenerated(to))
    .map(({ from, line, to }) => ({
      path: from,
      line,
      rule: "missing",
      message: `imports ${to}, which is not there`,
    }));
}
