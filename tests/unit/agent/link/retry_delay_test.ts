import assert from "node:assert/strict";
import fc from "fast-check";
import { retryDelayMs } from "../../../../agent/link/mod.ts";
import { ERROR_CODES, type ErrorCode, isErrorCode } from "../../../../common/errors/mod.ts";

const CODES = Object.keys(ERROR_CODES).filter(isErrorCode);
const middle = () => 0.5;

/** Seconds before each of the first tries (NEN-7, PRT-5). */
const TABLE: Readonly<Partial<Record<ErrorCode, readonly number[]>>> = {
  UNAVAILABLE: [1, 2, 4, 8, 16, 32, 60, 60],
  RATE_LIMITED: [1, 2, 4],
  NODE_NOT_ENROLLED: [60, 120, 240, 300, 300],
  HARDWARE_IDENTITY_MISMATCH: [60, 120, 240, 300, 300],
  NODE_REVOKED: [300, 300],
  ALREADY_ACTIVE: [30, 60, 60],
};

for (const [code, seconds] of Object.entries(TABLE)) {
  Deno.test(`NEN-7, PRT-5: after ${code} a node asks again after ${seconds.join(", ")} s`, () => {
    assert.ok(isErrorCode(code));
    assert.deepEqual(
      seconds.map((_, index) => retryDelayMs(code, index + 1, middle) / 1000),
      seconds,
    );
  });
}

Deno.test("PRT-5: every wait is within 20 % of the table, and never longer than six minutes", () => {
  fc.assert(fc.property(
    fc.constantFrom(...CODES),
    fc.integer({ min: 1, max: 1_000_000 }),
    fc.double({ min: 0, max: 0.999999, noNaN: true }),
    (code, attempt, random) => {
      const waitMs = retryDelayMs(code, attempt, () => random);
      const meanMs = retryDelayMs(code, attempt, middle);
      assert.ok(waitMs >= meanMs * 0.8 - 1 && waitMs <= meanMs * 1.2 + 1);
      assert.ok(waitMs >= 800 && waitMs <= 360_000);
    },
  ));
});

Deno.test("ACF-3: agent.enrollment.retry_seconds shortens the waits of enrolment, and no others", () => {
  assert.equal(retryDelayMs("NODE_NOT_ENROLLED", 5, middle, 10_000), 10_000);
  assert.equal(retryDelayMs("ALREADY_ACTIVE", 1, middle, 10_000), 10_000);
  assert.equal(retryDelayMs("UNAVAILABLE", 6, middle, 10_000), 32_000);
});
