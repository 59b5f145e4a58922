/** Which file names which: imports, and references by URL or path. */
import { scan } from "./scan.ts";
import { folderOf, lineAt, type Tree } from "./tree.ts";

export interface Edge {
  readonly from: string;
  readonly line: number;
  /** A path of the tree, or the specifier of a package. */
  readonly to: string;
  /** `import` for import and export declarations and dynamic imports, `reference` otherwise. */
  readonly kind: "import" | "package" | "reference";
}

const graphs = new WeakMap<Tree, readonly Edge[]>();

/** All edges of a tree; computed once for each tree. */
export function edgesOf(tree: Tree): readonly Edge[] {
  const known = graphs.get(tree);
  if (known) return known;
  const edges = [...tree].filter(([path]) => path.endsWith(".ts"))
    .flatMap(([path, source]) => edgesFrom(path, source, tree));
  graphs.set(tree, edges);
  return edges;
}

function edgesFrom(from: string, source: string, tree: Tree): Edge[] {
  const { code, literals } = scan(source, "ts");
  return literals.flatMap(({ value, at }): Edge[] => {
    const line = lineAt(source, at);
    const isImport = /\b(?:from|import)\s*\(?\s*$/.test(code.slice(Math.max(0, at - 40), at));
    if (value.startsWith("./") || value.startsWith("../")) {
      const to = resolvePath(folderOf(from), value);
      if (isImport) return [{ from, line, to, kind: "import" }];
      return tree.has(to) ? [{ from, line, to, kind: "reference" }] : [];
    }
    if (isImport) return [{ from, line, to: value, kind: "package" }];
    return tree.has(value) ? [{ from, line, to: value, kind: "reference" }] : [];
  });
}

/** `relative` as seen from `folder`, as a path from the root. */
function resolvePath(folder: string, relative: string): string {
  const parts = folder.split("/").slice(0, -1);
  for (const part of relative.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
