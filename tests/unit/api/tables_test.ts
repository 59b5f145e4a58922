import assert from "node:assert/strict";
import { describeFile, readTable } from "./describe.ts";
import { packageSchemas } from "./package_schemas.ts";
import { networkSchemas } from "./schemas.ts";

const asThePackageReads = [...(await packageSchemas()).values()];
const schemas = networkSchemas.flatMap(({ name }) =>
  asThePackageReads.filter((file) => file.name === name)
);

const sorted = (lines: readonly string[]) =>
  [...lines].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));

for (const file of schemas) {
  const packageName = file.proto.package;
  Deno.test(`demand 3, API sections 2 to 10: the schema of ${packageName} is its table, no less and no more`, async () => {
    const text = await Deno.readTextFile(
      new URL(`./tables/${packageName}.txt`, import.meta.url),
    );
    const expected = readTable(text);
    const actual = describeFile(file);
    assert.deepEqual(sorted([...actual.keys()]), sorted([...expected.keys()]));
    for (const [section, lines] of expected) {
      assert.deepEqual(sorted(actual.get(section) ?? []), sorted(lines), section);
    }
  });
}

Deno.test("demand 3, API sections 2 to 10: every table has a schema and every public package a table", async () => {
  const tables: string[] = [];
  for await (const entry of Deno.readDir(new URL("./tables/", import.meta.url))) {
    tables.push(entry.name.replace(/\.txt$/, ""));
  }
  assert.deepEqual(sorted(tables), sorted(schemas.map((file) => file.proto.package)));
});
