import assert from "node:assert/strict";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { config } from "../../../../api/mod.ts";
import { nodeEntry, RefusedError } from "../../../../agent/entries/mod.ts";
import { tempDir, waitFor, withShim } from "../../../support/mod.ts";
import { execEntry, QueueRig } from "./queue_rig.ts";

/** Runs a test with a rig, and with what makes another one over the same file, as after a restart. */
async function withQueue(
  test: (rig: QueueRig, restart: () => QueueRig) => Promise<void>,
): Promise<void> {
  await using directory = await tempDir();
  await withShim(async ({ files }) => {
    const path = directory.file("operations.log");
    let lives = 0;
    const open = () => new QueueRig(files, path, "abc"[lives++] ?? "z");
    await test(open(), open);
  });
}

/** Answers whatever is sent, in turn, until the writer has nothing left. */
async function answerAll(rig: QueueRig, firstSequence = 10n): Promise<void> {
  let answered = 0;
  await waitFor(() => {
    while (answered < rig.sent.length) {
      rig.answer({ sequence: firstSequence + BigInt(answered++) });
    }
    return rig.writer.pendingCount === 0;
  }, { what: "an empty queue" });
}

Deno.test("with contact an entry goes at once, with the head its author saw", () =>
  withQueue(async (rig) => {
    rig.writer.connected(true);
    const written = rig.write("uname");
    rig.answer({ sequence: 7n, policyRef: "rbac:ops" });
    assert.deepEqual(await written, { kind: "appended", sequence: 7n, policyRef: "rbac:ops" });
    assert.equal(rig.sent[0]?.expectedHead, 3n);
    assert.equal(rig.writer.pendingCount, 0);
  }));

Deno.test("what the journal refuses is refused to the author, and not kept", () =>
  withQueue(async (rig) => {
    rig.writer.connected(true);
    const written = rig.write("uname");
    rig.answer({ errorCode: "CONFLICT", errorMessage: "the head is 9" });
    await assert.rejects(
      written,
      (error) =>
        error instanceof RefusedError && error.code === "CONFLICT" &&
        /head is 9/.test(error.message),
    );
    assert.equal(rig.writer.pendingCount, 0);
  }));

Deno.test("PRT-8: without contact entries wait, in order, tagged, with the time they happened", () =>
  withQueue(async (rig) => {
    const startMs = rig.clock.nowMs();
    for (const message of ["one", "two", "three"]) {
      assert.equal((await rig.write(message)).kind, "queued");
      rig.clock.advance(60_000);
    }
    assert.equal(rig.messages.length, 0);
    rig.writer.connected(true);
    const replayed = rig.writer.replay();
    await answerAll(rig);
    await replayed;
    assert.deepEqual(rig.messages, ["one", "two", "three"]);
    for (const [index, { entry, expectedHead }] of rig.sent.entries()) {
      assert.equal(entry?.policyRef, "degraded:rbac:ops");
      assert.ok(entry?.timestamp !== undefined);
      assert.equal(timestampMs(entry.timestamp), startMs + index * 60_000);
      assert.equal(expectedHead, undefined, "the head it saw is of no use any more");
    }
    assert.deepEqual(rig.replayed.map(([, kind]) => kind), ["appended", "appended", "appended"]);
  }));

Deno.test("PRT-8: what happens during a replay comes after what waited", () =>
  withQueue(async (rig) => {
    await rig.write("one");
    rig.writer.connected(true);
    const replayed = rig.writer.replay();
    assert.equal((await rig.write("two")).kind, "queued");
    await answerAll(rig);
    await replayed;
    assert.deepEqual(rig.messages, ["one", "two"]);
  }));

Deno.test("PRT-8: an entry on its way when contact is lost is kept under the same request id", () =>
  withQueue(async (rig) => {
    rig.writer.connected(true);
    const written = rig.write("one");
    const requestId = rig.sent[0]?.requestId;
    rig.writer.connected(false);
    assert.deepEqual(await written, { kind: "queued", requestId });
    rig.writer.connected(true);
    const replayed = rig.writer.replay();
    await answerAll(rig);
    await replayed;
    assert.deepEqual(rig.sent.map((append) => append.requestId), [requestId, requestId]);
  }));

Deno.test("a journal that does not answer within 12 s counts as gone", () =>
  withQueue(async (rig) => {
    rig.writer.connected(true);
    const written = rig.write("one");
    rig.clock.advance(12_000);
    assert.equal((await written).kind, "queued");
  }));

Deno.test("F1: a journal without a quorum keeps nothing from being tried again", () =>
  withQueue(async (rig) => {
    await rig.write("one");
    rig.writer.connected(true);
    const replayed = rig.writer.replay();
    rig.answer({ errorCode: "NO_QUORUM" });
    await replayed;
    assert.equal(rig.writer.pendingCount, 1);
    rig.clock.advance(1_000);
    await answerAll(rig);
    assert.deepEqual(rig.messages, ["one", "one"]);
  }));

Deno.test("F1: what is kept while contact goes on is replayed when the quorum is back, without new contact", () =>
  withQueue(async (rig) => {
    rig.writer.connected(true);
    const written = rig.write("one");
    rig.answer({ errorCode: "NO_QUORUM" });
    assert.equal((await written).kind, "queued");
    assert.equal((await rig.write("two")).kind, "queued");
    assert.equal(rig.writer.isReachable, false);
    await rig.clock.advanceAsync(1_000);
    rig.answer({ errorCode: "NO_LEADER" });
    await rig.clock.advanceAsync(1_000);
    rig.answer({ sequence: 10n });
    await rig.clock.advanceAsync(0);
    rig.answer({ sequence: 11n });
    await rig.clock.advanceAsync(0);
    assert.deepEqual(rig.messages, ["one", "one", "one", "two"]);
    assert.deepEqual(new Set(rig.sent.slice(0, 3).map(({ requestId }) => requestId)).size, 1);
    assert.equal(rig.writer.isReachable, true);
    assert.equal(rig.clock.pendingTimers, 0);
  }));

Deno.test("DEG-6: what must not be kept for later is refused where the journal has no quorum, and not tried again", () =>
  withQueue(async (rig) => {
    const entry = execEntry("one", rig.clock.nowMs());
    const checkKept = () => {
      throw new RefusedError("POLICY_DENIED", "policy engine unavailable");
    };
    rig.writer.connected(true);
    const written = rig.writer.write({ entry, checkKept });
    rig.answer({ errorCode: "NO_QUORUM" });
    await assert.rejects(written, /policy engine unavailable/);
    const taken = rig.writer.write({ entry, checkKept });
    rig.answer({ sequence: 7n });
    assert.equal((await taken).kind, "appended");
    assert.equal(rig.writer.pendingCount, 0);
    assert.equal(rig.clock.pendingTimers, 0);
  }));

Deno.test("EMM-8: what no journal can take is kept at once, tagged, and replayed under its request id", () =>
  withQueue(async (rig) => {
    rig.writer.connected(true);
    const entry = execEntry("one", rig.clock.nowMs());
    const { requestId } = rig.writer.keep({ entry });
    assert.deepEqual(rig.messages, []);
    await rig.clock.advanceAsync(1_000);
    assert.equal(rig.sent[0]?.requestId, requestId);
    assert.equal(rig.sent[0]?.entry?.policyRef, "degraded:rbac:ops");
    rig.answer({ sequence: 10n });
    await rig.clock.advanceAsync(0);
    assert.deepEqual(rig.replayed, [[requestId, "appended"]]);
  }));

Deno.test("PRT-8: what the journal refuses at replay is told and does not hold up the rest", () =>
  withQueue(async (rig) => {
    await rig.write("one");
    await rig.write("two");
    rig.writer.connected(true);
    const replayed = rig.writer.replay();
    rig.answer({ errorCode: "POLICY_DENIED", errorMessage: "not any more" });
    await waitFor(() => rig.sent.length === 2, { what: "the second entry" });
    rig.answer({ sequence: 11n });
    await replayed;
    assert.deepEqual(rig.replayed, [["a1", "rejected"], ["a2", "appended"]]);
    assert.equal(rig.writer.pendingCount, 0);
  }));

Deno.test("PRT-7: what waits survives the agent, and the next one replays it once, in order", () =>
  withQueue(async (rig, restart) => {
    await rig.write("one");
    await rig.write("two");
    const next = restart();
    assert.equal((await next.write("three")).kind, "queued");
    next.writer.connected(true);
    const replayed = next.writer.replay();
    await answerAll(next);
    await replayed;
    assert.deepEqual(next.messages, ["one", "two", "three"]);
    assert.deepEqual(next.replayed.map(([requestId]) => requestId), ["a1", "a2", "b1"]);
    const last = restart();
    assert.equal(last.writer.pendingCount, 0);
  }));

Deno.test("PRT-8: after a crash in the middle of a replay what is repeated has the same request ids", () =>
  withQueue(async (rig, restart) => {
    for (const message of ["one", "two", "three"]) await rig.write(message);
    rig.writer.connected(true);
    const replaying = rig.writer.replay();
    rig.answer({ sequence: 10n });
    await waitFor(() => rig.sent.length === 2, { what: "the second entry" });
    const next = restart();
    next.writer.connected(true);
    const replayed = next.writer.replay();
    await answerAll(next);
    await replayed;
    assert.deepEqual(next.messages, ["one", "two", "three"]);
    assert.deepEqual(next.sent.map(({ requestId }) => requestId), ["a1", "a2", "a3"]);
    rig.writer.close();
    await replaying;
  }));

Deno.test("PRT-7: a full log is refused in the published words", () =>
  withQueue(async (rig) => {
    Object.defineProperty(rig.operations, "isFull", { get: () => true });
    assert.ok(rig.writer.isFull);
    await assert.rejects(rig.write("one"), (error) =>
      error instanceof RefusedError && error.code === "RESOURCE_EXHAUSTED" &&
      error.message === "local audit log full");
  }));

Deno.test("a writer says when nothing is on its way, or that it took too long", () =>
  withQueue(async (rig) => {
    await rig.writer.settled(1_000);
    rig.writer.connected(true);
    const written = rig.write("one");
    const settled = rig.writer.settled(1_000);
    rig.answer({ sequence: 1n });
    await settled;
    await written;
    const late = rig.write("two");
    const given = rig.writer.settled(1_000);
    rig.clock.advance(1_000);
    await given;
    rig.writer.close();
    assert.equal((await late.catch(() => ({ kind: "lost" }))).kind, "lost");
  }));

Deno.test("EMM-8: the start of an emergency says whether its end waits as well, and the end keeps its force", () =>
  withQueue(async (rig) => {
    const { EMERGENCY_START, EMERGENCY_END } = config.EntryType;
    for (const entryType of [EMERGENCY_START, EMERGENCY_END, EMERGENCY_START]) {
      await rig.write("uname");
      const entry = nodeEntry("n1", rig.clock.nowMs(), undefined, { entryType });
      await rig.writer.write({ entry, force: entryType === EMERGENCY_END });
    }
    rig.writer.connected(true);
    const replayed = rig.writer.replay();
    await answerAll(rig);
    await replayed;
    assert.deepEqual(
      rig.sent.map(({ endEmergency, force }) => [endEmergency, force]),
      [
        [false, false],
        [true, false],
        [false, false],
        [false, true],
        [false, false],
        [false, false],
      ],
    );
  }));
