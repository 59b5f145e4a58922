import assert from "node:assert/strict";
import { RequestIds } from "../../../../mcp/safety/mod.ts";

Deno.test("SAF-12: the same write within a minute has the same id, another one its own", () => {
  let last = 0;
  const ids = new RequestIds(() => `id-${++last}`);
  assert.equal(ids.idFor("commit a", 0), "id-1");
  assert.equal(ids.idFor("commit b", 1_000), "id-2");
  assert.equal(ids.idFor("commit a", 59_999), "id-1");
  assert.equal(ids.idFor("commit a", 60_000), "id-3");
});
