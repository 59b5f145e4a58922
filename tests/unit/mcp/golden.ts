import assert from "node:assert/strict";

/** Set to rewrite the golden files from what the server says now; read the diff before keeping. */
const isUpdate = Deno.env.get("PACT_UPDATE_GOLDEN") === "1";

/** Compares a text with a golden file. */
export async function assertGolden(name: string, actual: string): Promise<void> {
  const file = new URL(`golden/${name}`, import.meta.url);
  if (isUpdate) return await Deno.writeTextFile(file, actual);
  assert.equal(actual, await Deno.readTextFile(file), `golden file ${name}`);
}
