import { join } from "node:path";

/**
 * The files of tests at and below these paths, the largest first: what takes long is not to begin last,
 * and how long a file is tells best how long it takes.
 *
 * @throws {Error} naming a path that holds no tests
 */
export async function testFiles(paths: readonly string[]): Promise<string[]> {
  const sizes = new Map<string, number>();
  for (const path of paths) {
    const before = sizes.size;
    await collect(path, sizes);
    if (sizes.size === before) throw new Error(`${path} holds no tests`);
  }
  return [...sizes].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([path]) => path);
}

async function collect(path: string, sizes: Map<string, number>): Promise<void> {
  const { isDirectory, size } = await Deno.stat(path);
  if (!isDirectory) return void sizes.set(path, size);
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory || name.endsWith("_test.ts")) await collect(join(path, name), sizes);
  }
}
