import assert from "node:assert/strict";
import { SignIns } from "../../../../agent/worker/sign_ins.ts";

Deno.test("IDM-4: who signed in before the map was in force is met once it is, later ones at once", () => {
  const met: string[] = [];
  const signIns = new SignIns();
  for (const subject of ["ana", "ben", "ana"]) signIns.seen(subject);
  assert.equal(met.length, 0);
  signIns.open((subject) => met.push(subject));
  assert.deepEqual(met, ["ana", "ben"]);
  signIns.seen("ana");
  assert.deepEqual(met, ["ana", "ben", "ana"]);
});

Deno.test("IDM-4: a second news of the map's being in force meets nobody twice", () => {
  const met: string[] = [];
  const signIns = new SignIns();
  signIns.seen("ana");
  signIns.open((subject) => met.push(subject));
  signIns.open((subject) => met.push(`again ${subject}`));
  assert.deepEqual(met, ["ana"]);
});

Deno.test("people who sign in while there is no map are remembered up to a bound", () => {
  let met = 0;
  const signIns = new SignIns();
  for (let at = 0; at < 1_500; at++) signIns.seen(`person-${at}`);
  signIns.open(() => met++);
  assert.equal(met, 1_000);
});
