import assert from "node:assert/strict";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { LockFollower } from "../../../../agent/link/lock_follower.ts";
import { lock } from "../../../../api/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";

const listOf = (...names: string[]) =>
  create(lock.ListLocksResponseSchema, {
    locks: names.map((name) => ({ kind: "user", name, reason: "x" })),
  });

function follower() {
  const told: string[][] = [];
  const locks = new LockFollower(silentLogger, ({ locks }) => {
    told.push(locks.map(({ kind, name, reason }) => `${kind} ${name} ${reason}`));
  });
  return { locks, told };
}

Deno.test("demand 9: a node asks for the locks at contact, hears of changes, and closes itself when it is refused", async () => {
  const { locks, told } = follower();
  await locks.refresh({ locks: () => Promise.resolve(listOf("bo")) });
  const value = toBinary(lock.ListLocksResponseSchema, listOf("bo", "cy"));
  locks.heard({ case: "lockChange", value });
  locks.heard({ case: "policyChange", value });
  locks.refused("n1", "LOCKED: node n1 is locked: odd syscalls");
  locks.refused("", "LOCKED: node n1 is locked: odd syscalls");
  assert.deepEqual(told, [
    ["user bo x"],
    ["user bo x", "user cy x"],
    ["user bo x", "user cy x", "node n1 odd syscalls"],
    ["user bo x", "user cy x", "node n1 odd syscalls"],
  ]);
});

Deno.test("demand 9: a journal that knows of no locks keeps nobody from following it", async () => {
  const { locks, told } = follower();
  const fails = (code: Code) => ({ locks: () => Promise.reject(new ConnectError("no", code)) });
  await locks.refresh(fails(Code.Unimplemented));
  await assert.rejects(locks.refresh(fails(Code.Unavailable)));
  assert.deepEqual(told, []);
});
