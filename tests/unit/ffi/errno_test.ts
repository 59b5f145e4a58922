import assert from "node:assert/strict";
import { constants } from "node:os";
import {
  errnoNumber,
  errnoOf,
  isSignalName,
  knownErrnos,
  signalName,
  signalNumber,
} from "../../../ffi/mod.ts";

Deno.test("every errno has the system's number and a number leads back to its name", () => {
  const system: Readonly<Record<string, number>> = constants.errno;
  for (const { name, number } of knownErrnos()) {
    assert.equal(errnoOf(number).name, name);
    if (name in system) assert.equal(number, system[name], name);
  }
  assert.equal(errnoNumber("ENOENT"), 2);
  assert.deepEqual(errnoOf(4095), { name: "E4095", number: 4095, message: "Unknown error 4095" });
});

Deno.test("every signal has the system's number and a number leads back to its name", () => {
  for (const [name, number] of Object.entries(constants.signals)) {
    if (!isSignalName(name)) continue;
    assert.equal(signalNumber(name), number, name);
    assert.equal(signalName(number), name);
  }
  assert.equal(signalName(36), "SIGRTMIN+2");
  assert.equal(isSignalName("SIGNOTHING"), false);
});
