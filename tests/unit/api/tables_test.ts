import assert from "node:assert/strict";
import type { DescFile } from "@bufbuild/protobuf";
import * as api from "../../../api/mod.ts";
import { describeFile, readTable } from "./describe.ts";

const files: readonly DescFile[] = [
  api.capability.file_pact_capability,
  api.config.file_pact_config,
  api.enrollment.file_pact_enrollment,
  api.health.file_grpc_health_v1_health,
  api.journal.file_pact_journal,
  api.lattice.file_lattice_v1_lattice,
  api.policy.file_pact_policy,
  api.raft.file_raft_hpc_v1_raft,
  api.shell.file_pact_shell,
  api.stream.file_pact_stream,
];

const sorted = (lines: readonly string[]) =>
  [...lines].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));

for (const file of files) {
  const packageName = file.proto.package;
  Deno.test(`API sections 2 to 10: the schema of ${packageName} is its table, no less and no more`, async () => {
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

Deno.test("API sections 2 to 10: every table has a schema and every public package a table", async () => {
  const tables: string[] = [];
  for await (const entry of Deno.readDir(new URL("./tables/", import.meta.url))) {
    tables.push(entry.name.replace(/\.txt$/, ""));
  }
  assert.deepEqual(sorted(tables), sorted(files.map((file) => file.proto.package)));
});
