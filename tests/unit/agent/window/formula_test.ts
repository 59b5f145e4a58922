import assert from "node:assert/strict";
import fc from "fast-check";
import { DEFAULT_WINDOW_SETTINGS, windowSeconds } from "../../../../agent/window/mod.ts";

Deno.test("WIN-1: the published vectors hold exactly", () => {
  const vectors: [number, number][] = [[0, 900], [0.05, 818], [0.15, 692], [0.3, 562], [0.8, 346]];
  for (const [magnitude, seconds] of vectors) {
    assert.equal(windowSeconds(magnitude, DEFAULT_WINDOW_SETTINGS), seconds);
  }
  assert.equal(windowSeconds(0.8, { ...DEFAULT_WINDOW_SETTINGS, sensitivity: 5 }), 180);
  assert.equal(windowSeconds(7, { ...DEFAULT_WINDOW_SETTINGS, sensitivity: 0 }), 900);
});

Deno.test("WIN-1: the window shrinks with the magnitude of the drift, never below the floor", () => {
  const magnitude = fc.double({ min: 0, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(magnitude, magnitude, fc.double({ min: 0, max: 100, noNaN: true }), (a, b, s) => {
      const settings = { ...DEFAULT_WINDOW_SETTINGS, sensitivity: s };
      const [small, large] = [Math.min(a, b), Math.max(a, b)];
      const seconds = windowSeconds(large, settings);
      assert.ok(seconds >= 60 && seconds <= 900 && Number.isInteger(seconds));
      assert.ok(windowSeconds(small, settings) >= seconds);
    }),
  );
});

Deno.test("A3: settings that make no window are refused", () => {
  const make = (changed: object) => () =>
    windowSeconds(0.1, { ...DEFAULT_WINDOW_SETTINGS, ...changed });
  assert.throws(make({ baseSeconds: 0 }), /base must be > 0/);
  assert.throws(make({ sensitivity: -1 }), /sensitivity must be >= 0/);
  assert.throws(() => windowSeconds(Number.NaN, DEFAULT_WINDOW_SETTINGS), /magnitude/);
});
