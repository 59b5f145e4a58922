import assert from "node:assert/strict";
import { declare, file, Node } from "./convergence_scene.ts";

Deno.test("NET-7, APL-6: an item that waited for something is tried again when that is there, before its time", async () => {
  await using it = await Node.create();
  await it.edit("/parent", "in the way");
  await it.convergence.setDeclared(declare({ files: [file("/parent/child", "x")] }));
  assert.equal(it.convergence.status().failures.length, 1);
  await Deno.remove(`${it.root}/parent`);
  it.convergence.noticeChange("files:/parent/child");
  await it.convergence.scan();
  await it.pass(1);
  assert.deepEqual(it.convergence.status().failures, []);
  assert.equal(await it.read("/parent/child"), "x");
});
