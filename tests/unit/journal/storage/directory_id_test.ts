import assert from "node:assert/strict";
import { directoryIdOf, isDirectoryId, StorageError } from "../../../../journal/storage/mod.ts";
import { tempDir } from "../../../support/mod.ts";

Deno.test("JRN-64: a data directory draws its id once, and keeps it", async () => {
  await using dir = await tempDir("pact-directory-");
  const id = directoryIdOf(dir.path);
  assert.ok(isDirectoryId(id));
  assert.equal(directoryIdOf(dir.path), id);
  assert.deepEqual([...Deno.readDirSync(dir.path)].map(({ name }) => name), ["directory_id"]);
});

Deno.test("a directory that was emptied is another one", async () => {
  await using dir = await tempDir("pact-directory-");
  const id = directoryIdOf(dir.path);
  Deno.removeSync(dir.file("directory_id"));
  assert.notEqual(directoryIdOf(dir.path), id);
});

Deno.test("JRN-65: a directory whose id cannot be read is not used, and nobody draws another", async () => {
  await using dir = await tempDir("pact-directory-");
  for (const text of ["", "no id", `${directoryIdOf(dir.path)}0\n`]) {
    Deno.writeTextFileSync(dir.file("directory_id"), text);
    assert.throws(
      () => directoryIdOf(dir.path),
      (error) => error instanceof StorageError && error.kind === "corrupt",
    );
    assert.equal(Deno.readTextFileSync(dir.file("directory_id")), text);
  }
});
