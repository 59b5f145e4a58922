/** The repository as the rules see it: every text file, by path from its root. */

/** Path from the root, with `/`, to the file's text. */
export type Tree = ReadonlyMap<string, string>;

/** One place that breaks a rule. */
export interface Finding {
  readonly path: string;
  /** From 1; 0 when the whole file is meant. */
  readonly line: number;
  readonly rule: string;
  readonly message: string;
}

/** Looks at a whole tree and reports what breaks it. */
export type Rule = (tree: Tree) => Finding[];

/** Folders that hold what was built, fetched or is not ours. */
const SKIPPED = new Set([".git", "node_modules", "dist", ".cache", "coverage"]);
const TEXT = /\.(?:ts|c|h|md|json|toml|proto|rego|sh|ya?ml|service|txt|sql|html|css|js)$/;
/** Files without an extension that count, the CI script among them. */
const TEXT_NAMES = new Set(["Makefile", "run", ".gitignore"]);
const MAX_FILES = 20_000;

/** Reads all text files below `root`. Links are not followed. */
export async function readTree(root: string): Promise<Tree> {
  const files = new Map<string, string>();
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for await (const entry of Deno.readDir(`${root}/${folder}`)) {
      const path = `${folder}${entry.name}`;
      if (entry.isDirectory && !SKIPPED.has(entry.name)) folders.push(`${path}/`);
      if (!entry.isFile || !(TEXT.test(entry.name) || TEXT_NAMES.has(entry.name))) continue;
      files.set(path, await Deno.readTextFile(`${root}/${path}`));
      if (files.size > MAX_FILES) throw new Error(`more than ${MAX_FILES} files below ${root}`);
    }
  }
  return files;
}

/** Whether a file is made by a tool and not to be read by people. */
export function isGenerated(path: string): boolean {
  return path.startsWith("api/gen/");
}

/** The folder a path lies in, with a trailing slash; empty at the root. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

/** The first part of a path below the root's folders; empty for a file at the root. */
export function topFolderOf(path: string): string {
  const slash = path.indexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** The line, from 1, of a position in a text. */
export function lineAt(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < position; at = text.indexOf("\n", at + 1)) {
    line++;
  }
  return line;
}
