import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type KeyCacheEvent,
  type KeyCacheState,
  NO_KEYS,
  stepKeyCache,
} from "../../../../common/auth/mod.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A cache driven by hand. */
class Cache {
  state: KeyCacheState = NO_KEYS;
  nowMs = 1_000_000;

  at(agoMs: number): this {
    this.nowMs += agoMs;
    return this;
  }

  ask(isKnown: boolean): string | undefined {
    return this.#step({ kind: "asked", isKnown });
  }

  fetched(): this {
    this.#step({ kind: "fetched" });
    return this;
  }

  failed(): this {
    this.#step({ kind: "failed" });
    return this;
  }

  #step(event: KeyCacheEvent): string | undefined {
    const { state, answer } = stepKeyCache(this.state, event, this.nowMs);
    this.state = state;
    return answer;
  }
}

Deno.test("AUT-7: without keys the first token fetches, and others wait for the same fetch", () => {
  const cache = new Cache();
  assert.equal(cache.ask(false), "fetch-first");
  assert.equal(cache.ask(false), "fetch-first");
  assert.equal(cache.fetched().ask(true), "use");
});

Deno.test("AUT-7: without keys a failed fetch refuses, and is tried again 5 s later", () => {
  const cache = new Cache();
  cache.ask(false);
  assert.equal(cache.failed().ask(false), "unavailable");
  assert.equal(cache.at(4_999).ask(false), "unavailable");
  assert.equal(cache.at(1).ask(false), "fetch-first");
});

Deno.test("AUT-7: an unknown kid forces one fetch in 30 s", () => {
  const cache = new Cache().fetched();
  assert.equal(cache.at(MINUTE).ask(false), "fetch-first");
  assert.equal(cache.ask(false), "fetch-first", "waits for the one that runs");
  assert.equal(cache.fetched().ask(false), "no-match");
  assert.equal(cache.at(29_999).ask(false), "no-match");
  assert.equal(cache.at(1).ask(false), "fetch-first");
});

Deno.test("AUT-7: right after the first fetch a rotated key is looked for all the same", () => {
  const cache = new Cache();
  cache.ask(false);
  assert.equal(cache.fetched().at(1_000).ask(false), "fetch-first");
});

Deno.test("AUT-7: keys are used for an hour, fetched ahead of its end, and waited for after it", () => {
  const cache = new Cache().fetched();
  assert.equal(cache.at(53 * MINUTE).ask(true), "use");
  assert.equal(cache.at(2 * MINUTE).ask(true), "use-and-fetch");
  assert.equal(cache.ask(true), "use");
  assert.equal(cache.at(6 * MINUTE).ask(true), "fetch-first");
});

Deno.test("AUT-7: with the provider gone old keys serve for 24 h, tried anew every 30 s", () => {
  const cache = new Cache().fetched();
  assert.equal(cache.at(HOUR).ask(true), "fetch-first");
  assert.equal(cache.failed().ask(true), "use");
  assert.equal(cache.at(29_999).ask(true), "use");
  assert.equal(cache.at(1).ask(true), "use-and-fetch");
  assert.equal(cache.failed().at(22 * HOUR).ask(true), "use-and-fetch");
  assert.equal(cache.failed().at(HOUR - 30_001).ask(true), "use-and-fetch");
  assert.equal(cache.failed().at(1).ask(true), "unavailable");
  assert.equal(cache.at(5_000).ask(true), "fetch-first");
  assert.equal(cache.fetched().ask(true), "use");
});

Deno.test("AUT-7: whatever happens, keys older than a day are never used and unknown ones never match", () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant("asked" as const), isKnown: fc.boolean() }),
    fc.constant({ kind: "fetched" as const }),
    fc.constant({ kind: "failed" as const }),
  );
  const history = fc.array(fc.tuple(fc.integer({ min: 0, max: 30 * HOUR }), event), {
    maxLength: 40,
  });
  fc.assert(fc.property(history, (steps) => {
    let state = NO_KEYS;
    let nowMs = 0;
    let fetchedAtMs = -Infinity;
    const forced: number[] = [];
    for (const [passedMs, given] of steps) {
      nowMs += passedMs;
      if (given.kind === "fetched") fetchedAtMs = nowMs;
      const wasFetching = state.isFetching;
      const { state: next, answer } = stepKeyCache(state, given, nowMs);
      state = next;
      if (answer === "use" || answer === "use-and-fetch") {
        assert.ok(given.kind === "asked" && given.isKnown && nowMs - fetchedAtMs < 24 * HOUR);
      }
      const isHeld = nowMs - fetchedAtMs < 24 * HOUR;
      if (answer === "fetch-first" && isHeld && !wasFetching && given.kind === "asked") {
        if (!given.isKnown) forced.push(nowMs);
      }
    }
    forced.slice(1).forEach((at, index) => assert.ok(at - (forced[index] ?? 0) >= 30_000));
  }));
});
