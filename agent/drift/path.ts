/**
 * An absolute path without `.`, `..`, repeated and trailing slashes, decided by the text alone:
 * links are not resolved (BLK-4). A path that is not absolute is taken as one below `/`.
 */
export function normalisePath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment === "..") kept.pop();
    else kept.push(segment);
  }
  return "/" + kept.join("/");
}
