import assert from "node:assert/strict";
import {
  checkAllocationId,
  checkNodeId,
  checkUnitName,
  IdentifierError,
  isAllocationId,
  isNodeId,
  isUnitName,
} from "../../../contracts/mod.ts";

const A128 = "a".repeat(128);

Deno.test("NC-8: allocation ids", () => {
  for (const id of ["42", "a", "A.b_c-d", A128]) assert.ok(isAllocationId(id), id);
  for (const id of ["", ".a", "-a", "a/b", "a b", "a\n", "a:b", `${A128}a`]) {
    assert.ok(!isAllocationId(id), id);
  }
});

Deno.test("NC-8: service and scope names", () => {
  for (const name of ["chronyd", "cxi_rh@0", "a:b", A128]) assert.ok(isUnitName(name), name);
  for (const name of ["", "@a", "a/b", "a..b", "..", "a\0", `${A128}a`]) {
    assert.ok(!isUnitName(name), name);
  }
});

Deno.test("NC-8: node ids", () => {
  const longest = "n".repeat(253);
  for (const id of ["n", "nid001234", "n-1.cluster.example", longest]) assert.ok(isNodeId(id), id);
  for (const id of ["", "-n", "n-", "n_1", "n/1", `${longest}n`]) assert.ok(!isNodeId(id), id);
});

Deno.test("NC-8: the checks hand a lawful value on and refuse any other by name", () => {
  assert.equal(checkAllocationId("42"), "42");
  assert.equal(checkUnitName("chronyd"), "chronyd");
  assert.equal(checkNodeId("n1"), "n1");
  assert.throws(() => checkNodeId("a\x1b[31m"), (error) => {
    assert.ok(error instanceof IdentifierError);
    assert.equal(error.message, 'invalid node id: "a\\u001b[31m"');
    return true;
  });
});
