import { createHash } from "node:crypto";
import { join } from "node:path";

/** A key of everything that a product of the build depends on. */
export function contentKey(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  // The length goes first, so that no two lists of parts read alike.
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest("hex").slice(0, 20);
}

/**
 * The directory of a product: made by `build` when no earlier run has made it. It appears under its
 * name when it is whole; former ones of the same name go once it is there.
 */
export async function cached(
  cache: string,
  name: string,
  key: string,
  build: (directory: string) => Promise<void>,
): Promise<string> {
  const place = join(cache, `${name}-${key}`);
  if (await isThere(place)) return place;
  await Deno.mkdir(cache, { recursive: true });
  const draft = await Deno.makeTempDir({ dir: cache, prefix: "draft-" });
  try {
    await build(draft);
    await Deno.rename(draft, place);
  } catch (error) {
    await removeIfThere(draft);
    if (!(await isThere(place))) throw error;
  }
  for await (const entry of Deno.readDir(cache)) {
    const isFormer = entry.name.startsWith(`${name}-`) && entry.name !== `${name}-${key}`;
    if (isFormer) await removeIfThere(join(cache, entry.name));
  }
  return place;
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function removeIfThere(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
