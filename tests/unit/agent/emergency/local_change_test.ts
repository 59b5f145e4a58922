import assert from "node:assert/strict";
import {
  checkLocalEnd,
  checkLocalStart,
  type EmergencySession,
  EmergencySessions,
  openedBy,
} from "../../../../agent/emergency/mod.ts";
import { RefusedError } from "../../../../agent/entries/mod.ts";

const BEN = { principal: "ben", principalType: "Human", role: "pact-ops-ml" };
const ANA = { principal: "ana", principalType: "Human", role: "pact-platform-admin" };

const OWN: EmergencySession = { id: "em-41", scope: "node", principal: "ben", reason: "smoke" };
const VCLUSTERS: EmergencySession = { ...OWN, id: "em-40", scope: "vcluster" };
const UNTOLD: EmergencySession = { ...OWN, id: "em-local-0123abcd", requestId: "r1" };

function refusal(check: () => unknown): readonly [string, string] {
  try {
    check();
  } catch (error) {
    assert.ok(error instanceof RefusedError);
    return [error.code, error.message];
  }
  throw new Error("not refused");
}

/** Sessions over a store that a later agent reads as well. */
function sessions() {
  let kept: string | undefined;
  const store = { load: () => kept, save: (text: string) => void (kept = text) };
  return { open: () => new EmergencySessions(store) };
}

Deno.test("EMM-1, EMM-8: there is one emergency, and the refusal of a second names whose it is", () => {
  checkLocalStart(undefined, "pump failed");
  for (const open of [OWN, VCLUSTERS, UNTOLD]) {
    assert.deepEqual(refusal(() => checkLocalStart(open, "me too")), [
      "EMERGENCY_ACTIVE",
      `EMERGENCY_ACTIVE: ${open.id} of ben`,
    ]);
  }
});

Deno.test("EMM-2: an emergency has a reason that the journal can take", () => {
  assert.equal(refusal(() => checkLocalStart(undefined, " \n"))[0], "INVALID_ARGUMENT");
  assert.equal(refusal(() => checkLocalStart(undefined, "x".repeat(1025)))[0], "INVALID_ARGUMENT");
  checkLocalStart(undefined, "x".repeat(1024));
});

Deno.test("EMG-3, EMM-8: who opened it ends it, others with force; a vCluster's is ended at the journal", () => {
  assert.equal(checkLocalEnd(OWN, BEN, false), OWN);
  assert.equal(checkLocalEnd(UNTOLD, ANA, true), UNTOLD);
  assert.deepEqual(refusal(() => checkLocalEnd(OWN, ANA, false)), [
    "PERMISSION_DENIED",
    "emergency session belongs to ben; end it with force",
  ]);
  assert.equal(refusal(() => checkLocalEnd(undefined, BEN, true))[0], "NO_EMERGENCY");
  assert.deepEqual(refusal(() => checkLocalEnd(VCLUSTERS, BEN, true)), [
    "PRECONDITION",
    "em-40 is an emergency of the vCluster: it is ended at the journal",
  ]);
});

Deno.test("EMM-8: an end names the emergency by what opened it at the journal", () => {
  assert.equal(openedBy(OWN), 41n);
  assert.equal(openedBy(UNTOLD), undefined);
});

Deno.test("EMM-8, EMM-9: what the journal has not heard of stays so through a restart, until it has", () => {
  const { open } = sessions();
  open().opened(UNTOLD);
  const next = open();
  assert.deepEqual(next.untold, UNTOLD);
  next.told("em-50");
  assert.equal(next.untold, undefined);
  assert.deepEqual(open().current, { ...OWN, id: "em-50" });
});

Deno.test("EMM-1: the node's own emergency comes before its vCluster's", () => {
  const all = sessions().open();
  all.opened(VCLUSTERS);
  all.opened(OWN);
  assert.equal(all.current, OWN);
  all.closed("node");
  assert.equal(all.current, VCLUSTERS);
});
