/** Who may import whom among the top folders, and that nothing goes in a circle. */
import { edgesOf } from "./imports.ts";
import { type Finding, topFolderOf, type Tree } from "./tree.ts";

/** The allowed arrows: a folder and the folders it may import. */
export const ARROWS: Readonly<Record<string, readonly string[]>> = {
  api: [],
  contracts: [],
  policies: [],
  common: ["api", "contracts"],
  ffi: ["contracts"],
  journal: ["api", "contracts", "common"],
  agent: ["api", "contracts", "common", "ffi"],
  cli: ["api", "common"],
  mcp: ["api", "common"],
};

/** What builds, measures and tests the project may import anything. */
export const FREE_FOLDERS: ReadonlySet<string> = new Set(["tests", "tools", "bench", "deploy"]);

export function checkArrows(tree: Tree): Finding[] {
  return edgesOf(tree).flatMap(({ from, line, to, kind }) => {
    const source = topFolderOf(from);
    const target = topFolderOf(to);
    if (kind !== "import" || source === target || FREE_FOLDERS.has(source)) return [];
    if (ARROWS[source]?.includes(target)) return [];
    const allowed = ARROWS[source]?.join(", ") || "no other folder";
    const message = `${
      source || "a file at the root"
    } may not import ${target} (it may: ${allowed})`;
    return [{ path: from, line, rule: "arrow", message }];
  });
}

/** Cycles among all top folders but tests, which look at everything and are looked at by none. */
export function checkCycles(tree: Tree): Finding[] {
  const arrows = new Map<string, Map<string, string>>();
  for (const { from, to, kind } of edgesOf(tree)) {
    const source = topFolderOf(from);
    const target = topFolderOf(to);
    if (kind !== "import" || source === target || source === "tests" || target === "tests") {
      continue;
    }
    const targets = arrows.get(source) ?? new Map<string, string>();
    arrows.set(source, targets.set(target, targets.get(target) ?? from));
  }
  return [...arrows.keys()].sort().flatMap((start) => {
    const cycle = findCycle(start, arrows);
    // Each cycle is told once, from its alphabetically first folder.
    if (cycle === null || cycle.some((folder) => folder < start)) return [];
    const path = arrows.get(start)?.get(cycle[1] ?? start) ?? start;
    return [{ path, line: 0, rule: "cycle", message: `${cycle.join(" -> ")} -> ${start}` }];
  });
}

/** The folders of a shortest way from `start` back to it. */
function findCycle(
  start: string,
  arrows: ReadonlyMap<string, ReadonlyMap<string, string>>,
): string[] | null {
  const ways: string[][] = [[start]];
  const seen = new Set<string>();
  for (const way of ways) {
    const last = way.at(-1) ?? start;
    for (const next of arrows.get(last)?.keys() ?? []) {
      if (next === start) return way;
      if (!seen.has(next)) ways.push([...way, next]);
      seen.add(next);
    }
  }
  return null;
}
