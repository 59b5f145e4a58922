import assert from "node:assert/strict";
import { ActorTable } from "../../../../agent/observer/actor_table.ts";
import {
  actorOfRecord,
  decodeProbeRecord,
  PROBE_KIND,
  PROBE_RECORD_BYTES,
} from "../../../../agent/observer/probe_record.ts";

const UNKNOWN_UID = 0xffff_ffff;

function record(uid: number): Uint8Array {
  const bytes = new Uint8Array(PROBE_RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, PROBE_KIND.mount, true);
  view.setUint32(4, 4711, true);
  view.setUint32(8, uid, true);
  bytes.set(new TextEncoder().encode("mount"), 24);
  bytes.set(new TextEncoder().encode("sh"), 40);
  bytes.set(new TextEncoder().encode("/mnt"), 104);
  return bytes;
}

Deno.test("OBS-11: a record has who acted, with user and parents", () => {
  const decoded = decodeProbeRecord(record(1001));
  assert.equal(decoded.text, "/mnt");
  assert.deepEqual(actorOfRecord(decoded, "/a.slice"), {
    pid: 4711,
    uid: 1001,
    comm: "mount",
    confidence: "certain",
    parents: ["sh"],
    cgroup: "/a.slice",
  });
});

Deno.test("OBS-12: of a process that tracefs found gone a record has the number, and no user is made up", () => {
  const decoded = decodeProbeRecord(record(UNKNOWN_UID));
  assert.equal(decoded.uid, undefined);
  assert.equal(actorOfRecord(decoded, undefined), undefined);
  // What it was is known from when it began.
  const table = new ActorTable();
  table.learned(4711, { parentPid: 0, comm: "mount", exe: "/bin/mount" }, 0);
  assert.deepEqual(table.actor(4711, 1, () => undefined), {
    pid: 4711,
    confidence: "certain",
    comm: "mount",
    exe: "/bin/mount",
  });
});
