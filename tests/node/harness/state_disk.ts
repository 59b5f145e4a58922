import { join } from "node:path";
import { run } from "../image/mod.ts";

const DISK_BYTES = 64 * 1024 * 1024;

/** An empty ext4 image in `directory`, for a node's /var/lib/pact. Answers its path. */
export async function makeStateDisk(directory: string): Promise<string> {
  const path = join(directory, "state.ext4");
  using file = await Deno.open(path, { write: true, create: true, truncate: true });
  await file.truncate(DISK_BYTES);
  await run("mkfs.ext4", ["-q", "-F", "-m", "0", path]);
  return path;
}
