import assert from "node:assert/strict";
import { describeActor, placeOf } from "../../../../agent/observer/mod.ts";
import {
  ActorTable,
  MAX_PROCESSES,
  type ProcessFacts,
  REMEMBERED_MS,
} from "../../../../agent/observer/actor_table.ts";

const nobody = () => undefined;
const shell: ProcessFacts = { parentPid: 1, uid: 1000, comm: "bash", cgroup: "/user.slice" };
const sed: ProcessFacts = { parentPid: 40, uid: 0, comm: "sed", exe: "/usr/bin/sed" };

Deno.test("a program that is gone is known by what was seen at its start, with those above it", () => {
  const table = new ActorTable();
  table.learned(40, shell, 0);
  table.learned(41, sed, 10);
  const actor = table.actor(41, 20, nobody);
  assert.deepEqual(actor, {
    pid: 41,
    confidence: "certain",
    uid: 0,
    comm: "sed",
    exe: "/usr/bin/sed",
    parents: ["bash"],
  });
  assert.equal(describeActor(actor), "sed (pid 41, uid 0, started by bash)");
});

Deno.test("a process that never became a program is put down to the one that forked it, as likely", () => {
  const table = new ActorTable();
  table.learned(40, shell, 0);
  table.forked(41, 40, 10);
  const actor = table.actor(41, 20, nobody);
  assert.deepEqual([actor.comm, actor.confidence, actor.isForker], ["bash", "likely", true]);
});

Deno.test("what is learned of it later is its own, and certain", () => {
  const table = new ActorTable();
  table.learned(40, shell, 0);
  table.forked(41, 40, 10);
  table.learned(41, { ...shell, parentPid: 40, comm: "chmod" }, 30);
  const actor = table.actor(41, 40, nobody);
  assert.deepEqual([actor.comm, actor.confidence, actor.isForker], ["chmod", "certain", undefined]);
});

Deno.test("a number that was given again is another process", () => {
  const table = new ActorTable();
  table.learned(41, sed, 0);
  table.forked(41, 50, 10);
  assert.deepEqual(table.actor(41, 20, nobody), { pid: 41, confidence: "number" });
  assert.equal(
    describeActor({ pid: 41, confidence: "number" }),
    "a process (pid 41, gone)",
  );
});

Deno.test("nobody is remembered for long, and not more than a bounded number", () => {
  const table = new ActorTable();
  table.learned(41, sed, 0);
  assert.equal(table.actor(41, REMEMBERED_MS + 1, nobody).confidence, "number");
  for (let pid = 100; pid < 100 + 2 * MAX_PROCESSES; pid++) table.learned(pid, sed, 0);
  assert.equal(table.size, MAX_PROCESSES);
});

Deno.test("a forking loop among numbers ends", () => {
  const table = new ActorTable();
  table.forked(41, 42, 0);
  table.forked(42, 41, 0);
  assert.equal(table.actor(41, 1, nobody).confidence, "number");
});

Deno.test("the place of a process is its service, workload or session, by its cgroup", () => {
  const kinds = [
    ["/pact.slice/infra.slice/chronyd.scope", { kind: "service", name: "chronyd" }],
    ["/system.slice/sshd.service", { kind: "service", name: "sshd" }],
    ["/workload.slice/alloc-42.scope/task", { kind: "workload", name: "alloc-42" }],
    ["/pact.slice/infra.slice/exec-1f.scope", { kind: "session", name: "exec-1f" }],
    ["/workload.slice-evil/x", { kind: "other", name: "x" }],
  ] as const;
  for (const [cgroup, place] of kinds) assert.deepEqual(placeOf({ cgroup }), place);
  assert.equal(placeOf({ cgroup: "/" }), undefined);
  assert.equal(placeOf({}), undefined);
});
