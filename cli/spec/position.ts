import { type ConfigPosition, locateTomlKey } from "../../common/config/mod.ts";

/**
 * The place of a key path in a spec. A number in the path selects among repeated `[[...]]` headers,
 * so that the second service of an array is not reported at the line of the first.
 */
export function locateSpecKey(
  text: string,
  path: readonly string[],
  file: string,
): ConfigPosition {
  const at = path.findIndex((part) => /^[0-9]+$/.test(part));
  if (at < 0) return locateTomlKey(text, path, file);
  const name = path[at - 1] ?? "";
  const header = new RegExp(`^\\s*\\[\\[[^\\]]*${escaped(name)}["']?\\s*\\]\\]`);
  const table = escaped(path[at - 2] ?? "");
  const own = new RegExp(`${table}["']?\\s*\\.\\s*["']?${escaped(name)}`);
  let toSkip = Number(path[at]);
  const lines = text.split("\n").map((line) => {
    if (toSkip < 0) return line;
    if (header.test(line) && own.test(line)) toSkip--;
    return toSkip < 0 ? line : "";
  });
  return locateTomlKey(toSkip < 0 ? lines.join("\n") : text, path, file);
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
