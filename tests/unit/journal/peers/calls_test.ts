import assert from "node:assert/strict";
import { type ErrorCode, PactError } from "../../../../common/errors/mod.ts";
import type { PeerHandler } from "../../../../journal/peers/mod.ts";
import { createTestPki, waitFor, within } from "../../../support/mod.ts";
import { introduce, openMember, type TestMember } from "./fixture.ts";

/** Members 1 and 2, connected; 2 answers calls with `onCall`. */
async function openTwo(onCall: PeerHandler["onCall"]) {
  const pki = await createTestPki();
  const one = await openMember(pki, 1);
  const two = await openMember(pki, 2, { onCall });
  introduce(one, two);
  await waitFor(() => one.network.connected().has(2), { what: "the connection" });
  return {
    one,
    two,
    async [Symbol.asyncDispose]() {
      await one.network.close();
      await two.network.close();
    },
  };
}

function call(from: TestMember, data: string, signal = new AbortController().signal) {
  return from.network.call(2, "ForwardWrite", new TextEncoder().encode(data), signal);
}

async function codeOf(failing: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await within(failing, { what: "the failure of a call" });
  } catch (error) {
    return error instanceof PactError ? error.code : undefined;
  }
  return undefined;
}

/** Answers when its call is given up, and not before. */
function untilGivenUp(signal: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(new Uint8Array()))
  );
}

Deno.test("JRN-58: a call and its answer pass, and an error keeps its code, text and trailers", async () => {
  await using members = await openTwo((from, kind, data) => {
    if (kind === "ReadIndex") {
      throw new PactError("NO_LEADER", "no leader", { trailers: { "x-pact-leader": "h:9443" } });
    }
    return Promise.resolve(new TextEncoder().encode(`${from} ${kind} ${data.length}`));
  });
  const { network } = members.one;
  const { signal } = new AbortController();

  const answer = await network.call(2, "LivenessBatch", new Uint8Array(1000), signal);
  assert.equal(new TextDecoder().decode(answer), "1 LivenessBatch 1000");
  await assert.rejects(network.call(2, "ReadIndex", new Uint8Array(), signal), (error) => {
    assert.ok(error instanceof PactError);
    assert.equal(error.code, "NO_LEADER");
    assert.equal(error.message, "no leader");
    assert.equal(error.trailers["x-pact-leader"], "h:9443");
    return true;
  });
  assert.equal(
    await codeOf(network.call(3, "ReadIndex", new Uint8Array(), signal)),
    "UNAVAILABLE",
  );
});

Deno.test("API-10: what goes wrong inside a member reaches the caller as an incident id, the cause stays", async () => {
  await using members = await openTwo(() => {
    throw new TypeError("password=hunter2");
  });
  await assert.rejects(call(members.one, "x"), (error) => {
    assert.ok(error instanceof PactError);
    assert.equal(error.code, "INTERNAL");
    assert.match(error.message, /^INTERNAL: incident [0-9a-f]{12}$/);
    return true;
  });
  assert.ok(members.two.log.some((line) => line.includes("a call of a member failed")));
});

Deno.test("JRN-58: each of many calls at once gets its own answer, large and small, early and late", async () => {
  await using members = await openTwo(async (_from, _kind, data) => {
    if (data.length % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    return data;
  });
  const sizes = Array.from({ length: 500 }, (_, at) => at % 100 === 99 ? 1_000_000 + at : at);
  const answers = await Promise.all(sizes.map((size) => call(members.one, "x".repeat(size))));
  assert.deepEqual(answers.map(({ length }) => length), sizes);
});

Deno.test("JRN-60: a call that is given up ends at once on both sides", async () => {
  const signals: AbortSignal[] = [];
  await using members = await openTwo((_from, _kind, _data, signal) => {
    signals.push(signal);
    return untilGivenUp(signal);
  });

  const abort = new AbortController();
  const waiting = codeOf(call(members.one, "x", abort.signal));
  await waitFor(() => signals.length === 1, { what: "the call" });
  abort.abort();
  assert.equal(await waiting, "UNAVAILABLE");
  await waitFor(() => signals[0]?.aborted, { what: "the handler to be told" });

  assert.equal(await codeOf(call(members.one, "x", AbortSignal.timeout(50))), "DEADLINE");
  assert.equal(await codeOf(call(members.one, "x", abort.signal)), "UNAVAILABLE");
});

Deno.test("JRN-58: calls to a member that goes fail at once, so that they can be tried elsewhere", async () => {
  let calls = 0;
  await using members = await openTwo((_from, _kind, _data, signal) => {
    calls++;
    return untilGivenUp(signal);
  });
  const waiting = [1, 2, 3].map(() => codeOf(call(members.one, "x")));
  await waitFor(() => calls === 3, { what: "the calls" });

  await members.two.network.close();

  assert.deepEqual(await Promise.all(waiting), Array(3).fill("UNAVAILABLE"));
});

Deno.test("demand 3: calls at once are bounded, in number and in bytes", async () => {
  await using members = await openTwo((_from, _kind, _data, signal) => untilGivenUp(signal));
  const abort = new AbortController();
  const many = Array.from(
    { length: 1_025 },
    () => codeOf(call(members.one, "x", abort.signal)),
  );
  assert.equal(await many.at(-1), "RESOURCE_EXHAUSTED");
  assert.equal(await codeOf(call(members.one, "x".repeat(13_000_000))), "RESOURCE_EXHAUSTED");
  abort.abort();
  assert.deepEqual(new Set(await Promise.all(many.slice(0, -1))), new Set(["UNAVAILABLE"]));
});
