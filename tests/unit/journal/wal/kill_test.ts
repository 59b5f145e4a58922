import assert from "node:assert/strict";
import { openDisk } from "../../../../journal/disk/mod.ts";
import { Wal } from "../../../../journal/wal/mod.ts";
import { repositoryRoot, spawnDeno, tempDir } from "../../../support/mod.ts";
import { entryOf, modelOf } from "./log_model.ts";

/** Starts the writing program, kills it when it has acknowledged so many; the last acknowledged. */
async function writeAndKill(directory: string, acknowledged: number): Promise<number> {
  const child = spawnDeno({
    module: new URL("./write_forever.ts", import.meta.url),
    flags: [`--allow-read=${repositoryRoot}journal,${directory}`, `--allow-write=${directory}`],
    args: [directory],
  });
  await child.waitForOutput(new RegExp(`acknowledged ${acknowledged}\n`));
  child.kill();
  const { stdout } = await child.ended;
  return Math.max(
    ...[...stdout.matchAll(/acknowledged (\d+)\n/g)].map(([, index]) => Number(index)),
  );
}

Deno.test("ACC-3: a process that is killed while it writes loses nothing that was answered", async () => {
  await using dir = await tempDir();
  let answered = 0;
  for (const more of [1, 40, 300]) {
    answered = await writeAndKill(dir.path, answered + more + 8);
    const disk = openDisk(dir.path);
    const wal = Wal.open(disk);
    const { entries } = modelOf(disk, wal);
    wal.close();
    assert.ok(entries.length >= answered, `${entries.length} of ${answered} answered`);
    assert.deepEqual(entries, entries.map((_, i) => entryOf(i + 1, 1, 300)));
  }
});

Deno.test("JRN-65: a changed byte in a real file stops the start and names file and offset", async () => {
  await using dir = await tempDir();
  await writeAndKill(dir.path, 50);
  const path = dir.file("wal-0000000001.seg");
  const content = await Deno.readFile(path);
  content[5000] = (content[5000] ?? 0) ^ 0x20;
  await Deno.writeFile(path, content);
  assert.throws(
    () => Wal.open(openDisk(dir.path)),
    { name: "StorageError", kind: "corrupt", path, position: /^offset \d+$/, exitCode: 1 },
  );
  assert.deepEqual(await Deno.readFile(path), content, "nothing was thrown away");
});
