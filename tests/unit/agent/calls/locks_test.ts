import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { agentport, lock } from "../../../../api/mod.ts";
import { createCallServer, NodeLocks } from "../../../../agent/calls/mod.ts";
import type { CoreFrameContent } from "../../../../agent/port/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { waitFor } from "../../../support/mod.ts";

const OLGA = { principal: "olga", principalType: "Human", roles: ["pact-ops-ml"] };
const ANN = { principal: "ann", principalType: "Human", roles: ["pact-platform-admin"] };
const PLACE = { nodeId: "n1", vclusterId: "ml" };

const locksOf = (...locks: { kind: string; name: string; reason: string; endMs?: number }[]) =>
  create(lock.ListLocksResponseSchema, {
    locks: locks.map(({ endMs, ...each }) => ({
      ...each,
      ...(endMs === undefined ? {} : { expiresAt: timestampFromMs(endMs) }),
    })),
  });

/** A server whose calls last until their caller goes, and what it has said. */
function rig(known?: lock.ListLocksResponse) {
  const clock = new VirtualClock();
  const locks = new NodeLocks(clock, known);
  const ends: agentport.CallEnd[] = [];
  const denied: string[] = [];
  let running = 0;
  let nextId = 0n;
  const server = createCallServer({
    handlers: {
      Exec: async (_request, { signal }) => {
        running++;
        const { promise, resolve } = Promise.withResolvers<void>();
        signal.addEventListener("abort", () => resolve());
        await promise;
        running--;
      },
    },
    send: (frame: CoreFrameContent) => {
      if (frame.case === "callEnd") ends.push(create(agentport.CallEndSchema, frame.value));
    },
    log: silentLogger,
    onDenied: ({ principal }, detail) => void denied.push(`${principal} ${detail}`),
    guard: locks.guard(() => PLACE),
  });
  const call = (caller: typeof OLGA) =>
    server.onCall(
      create(agentport.CallSchema, { callId: ++nextId, method: "Exec", caller, credit: 1 }),
    );
  return { clock, locks, ends, denied, call, running: () => running };
}

Deno.test("demand 9: a lock ends the calls of whom it keeps out at once, with its reason, and no other's", async () => {
  const { locks, ends, denied, call, running } = rig();
  call(OLGA);
  call(ANN);
  await waitFor(() => running() === 2, { what: "both calls" });
  locks.take(locksOf({ kind: "user", name: "olga", reason: "laptop stolen" }));
  assert.deepEqual(
    ends.map(({ callId, errorCode, errorMessage }) => [callId, errorCode, errorMessage]),
    [
      [1n, "LOCKED", "LOCKED: user olga is locked: laptop stolen"],
    ],
  );
  await waitFor(() => running() === 1, { what: "the end of what the call had started" });
  assert.equal(ends.length, 1, "its caller is told once");
  assert.deepEqual(denied, ["olga Exec: LOCKED: user olga is locked: laptop stolen"]);
});

Deno.test("demand 9: what was locked before a restart stays out, until its end", async () => {
  const clock = new VirtualClock();
  const endMs = clock.nowMs() + 60_000;
  const { clock: now, ends, call, running } = rig(
    locksOf({ kind: "role", name: "pact-ops-ml", reason: "audit", endMs }),
  );
  call(OLGA);
  await waitFor(() => ends.length === 1, { what: "the refusal" });
  assert.equal(ends[0]?.errorCode, "LOCKED");
  now.advance(60_000);
  call(OLGA);
  await waitFor(() => running() === 1, { what: "the call after the end of the lock" });
});

Deno.test("demand 9: a locked node, or its vCluster, is closed to all but platform admins", async () => {
  for (const place of [{ kind: "node", name: "n1" }, { kind: "vcluster", name: "ml" }]) {
    const { ends, call, running } = rig(locksOf({ ...place, reason: "audit" }));
    call(OLGA);
    call(ANN);
    await waitFor(() => ends.length === 1 && running() === 1, { what: "one refusal, one call" });
    assert.equal(ends[0]?.callId, 1n);
  }
  const { call, running } = rig(locksOf({ kind: "node", name: "n2", reason: "audit" }));
  call(OLGA);
  await waitFor(() => running() === 1, { what: "a call of another node's colleague" });
});
