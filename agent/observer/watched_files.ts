import { type Files, isShimError } from "../../ffi/mod.ts";

/** Most files held against what they were; with more, new ones go unnoticed. */
const MAX_FILES = 20_000;
const MAX_DIRECTORIES = 4_096;
const MAX_LISTING_BYTES = 1 << 20;

/** What pact writes itself without a declaration: never somebody's change. */
const OWN = /^\/etc\/(?:pact(?:\/|$)|(?:nsswitch|resolv)\.conf$)/;

export interface WatchedFilesOptions {
  readonly files: Pick<Files, "list">;
  /** Prefix of every managed path; empty on a real node. */
  readonly root: string;
  /** Absolute, without the prefix: looked at with all that is below them. */
  readonly watchPaths: readonly string[];
  /** Operational noise, which nobody asks about (BLK-1). */
  readonly isNoise: (path: string) => boolean;
}

/** The plain files below the watched roots, without the prefix, and whether there are more. */
export function watchedFiles(
  { files, root, watchPaths, isNoise }: WatchedFilesOptions,
): { readonly keys: readonly string[]; readonly isCut: boolean } {
  const keys: string[] = [];
  const directories = watchPaths.map((path) => path === "/" ? "" : path.replace(/\/+$/, ""));
  // Ends: at most so many directories are looked into, and links are not followed.
  for (let next = 0; next < directories.length; next++) {
    if (next >= MAX_DIRECTORIES || keys.length >= MAX_FILES) return { keys, isCut: true };
    const directory = directories[next] ?? "";
    for (const { name, type } of listOrNothing(files, `${root}${directory}` || "/")) {
      const path = `${directory}/${name}`;
      if (OWN.test(path) || isNoise(path)) continue;
      if (type === "directory") directories.push(path);
      else if (type === "file") keys.push(path);
    }
  }
  return { keys, isCut: false };
}

/** What is gone by now, or is too much, or no directory, has nothing in it. */
function listOrNothing(files: Pick<Files, "list">, directory: string) {
  try {
    return files.list(directory, { maxBytes: MAX_LISTING_BYTES });
  } catch (error) {
    if (isShimError(error)) return [];
    throw error;
  }
}
