import { assertImageAllowed, NamespaceError } from "../../contracts/mod.ts";
import { type Files, isShimError } from "../../ffi/mod.ts";

/** An image file as it is now; replaced, it is another one (MT-9). */
export interface ImageFile {
  readonly requested: string;
  readonly realPath: string;
  /** Names the file itself, not its place. */
  readonly identity: string;
}

/**
 * The image that was asked for, by an absolute path or the name of a file in one of the roots (NS-19).
 *
 * @throws {NamespaceError} CreationFailed `image not allowed: X`
 */
export function findImage(
  files: Pick<Files, "realPath" | "lstatIfPresent" | "lstat">,
  requested: string,
  imageRoots: readonly string[],
): ImageFile {
  const realRoots = imageRoots.flatMap((root) => realPathOrNone(files, root));
  const candidates = requested.startsWith("/")
    ? [requested]
    : requested.includes("/")
    ? []
    : imageRoots.map((root) => `${root.replace(/\/*$/, "")}/${requested}`);
  for (const candidate of candidates) {
    for (const realPath of realPathOrNone(files, candidate)) {
      assertImageAllowed(requested, realPath, realRoots);
      const { type, dev, ino } = files.lstat(realPath);
      if (type !== "file") continue;
      return { requested, realPath, identity: `${realPath}:${dev}:${ino}` };
    }
  }
  throw new NamespaceError({ kind: "CreationFailed", reason: `image not allowed: ${requested}` });
}

/** A list of one, or of none when the path leads nowhere. */
function realPathOrNone(files: Pick<Files, "realPath">, path: string): readonly string[] {
  try {
    return [files.realPath(path)];
  } catch (error) {
    if (isShimError(error)) return [];
    throw error;
  }
}
