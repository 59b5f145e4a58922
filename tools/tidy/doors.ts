/** A folder is entered through its mod.ts, and through nothing else. */
import { FREE_FOLDERS } from "./arrows.ts";
import { edgesOf } from "./imports.ts";
import { type Finding, folderOf, isGenerated, topFolderOf, type Tree } from "./tree.ts";

/**
 * An import that enters folders names the mod.ts of the outermost of them that has one. A top
 * folder without a mod.ts, like common/, is entered through those of its sub-folders.
 */
export function checkDoors(tree: Tree): Finding[] {
  return edgesOf(tree).flatMap(({ from, line, to, kind }) => {
    if (kind !== "import" || FREE_FOLDERS.has(topFolderOf(from))) return [];
    if (isGenerated(from)) return [];
    const entered = enteredFolders(from, to);
    if (entered.length === 0) return [];
    const doors = entered.map((folder) => `${folder}mod.ts`);
    const door = doors.find((path) => tree.has(path)) ?? doors.at(-1);
    if (to === door) return [];
    const message = tree.has(door ?? "")
      ? `imports ${to} past ${door}`
      : `imports ${to}, but ${folderOf(to)} has no mod.ts`;
    return [{ path: from, line, rule: "door", message }];
  });
}

/** The folders around `to` that are not around `from`, outermost first; no one keeps generated ones. */
function enteredFolders(from: string, to: string): string[] {
  const folders: string[] = [];
  for (let slash = to.indexOf("/"); slash >= 0; slash = to.indexOf("/", slash + 1)) {
    const folder = to.slice(0, slash + 1);
    if (!from.startsWith(folder) && !isGenerated(folder)) folders.push(folder);
  }
  return folders;
}
