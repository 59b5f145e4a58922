/** A disk that a test may fill. */

/** A file system of `bytes` on `directory`; it is gone at the end of the scope. */
export async function smallDisk(directory: string, bytes: number): Promise<AsyncDisposable> {
  await run("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=700`, "tmpfs", directory]);
  return { [Symbol.asyncDispose]: () => run("umount", ["--lazy", directory]) };
}

/** Writes to `path` until nothing more can be written there. */
export async function fillDisk(path: string): Promise<void> {
  const chunk = new Uint8Array(64 * 1024);
  using file = await Deno.open(path, { create: true, write: true });
  // Ends when the disk is full, which is the point: less and less at a time, down to a byte.
  for (let size = chunk.length; size >= 1;) {
    try {
      await file.write(chunk.subarray(0, size));
    } catch {
      size = Math.floor(size / 2);
    }
  }
}

/** Whether this process may mount file systems. */
export const canMount: boolean = Deno.uid() === 0 && await isMountable();

async function isMountable(): Promise<boolean> {
  const directory = await Deno.makeTempDir();
  try {
    await using _disk = await smallDisk(directory, 4096);
    return true;
  } catch {
    return false;
  } finally {
    await Deno.remove(directory);
  }
}

async function run(program: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
}
