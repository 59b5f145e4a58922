import assert from "node:assert/strict";
import { inspect } from "node:util";
import { isNotYetValid, isValid, PrivateKey, shouldRenew } from "../../../../contracts/mod.ts";

Deno.test("IDN-1: an identity is valid strictly before it expires", () => {
  assert.equal(isValid({ expiresAtMs: 1000 }, 999), true);
  assert.equal(isValid({ expiresAtMs: 1000 }, 1000), false);
});

Deno.test("IDN-1: renewal begins when strictly less than a third of the lifetime remains", () => {
  const lifetime = { notBeforeMs: 1000, expiresAtMs: 4000 };
  assert.equal(shouldRenew(lifetime, 2999), false);
  assert.equal(shouldRenew(lifetime, 3000), false);
  assert.equal(shouldRenew(lifetime, 3001), true);
  assert.equal(shouldRenew(lifetime, 9000), true);
});

Deno.test("IDN-6: clocks may differ by a minute", () => {
  assert.equal(isNotYetValid({ notBeforeMs: 60_000 }, 0), false);
  assert.equal(isNotYetValid({ notBeforeMs: 60_001 }, 0), true);
});

Deno.test("section 8.1, IDN-9: no formatter or serialiser shows a private key", () => {
  const secret = "MC4CAQAwBQYDK2Vw";
  const key = new PrivateKey(new TextEncoder().encode(secret));
  const bytes = [...secret].map((char) => char.charCodeAt(0)).join();
  const shown = [
    `${key}`,
    JSON.stringify({ key }),
    Deno.inspect({ key }, { showHidden: true, depth: 10 }),
    inspect({ key }, { showHidden: true, depth: 10 }),
    JSON.stringify(structuredClone({ key })),
    JSON.stringify(Object.entries(key)),
  ];
  for (const text of shown) {
    assert.ok(!text.includes(secret) && !text.includes(bytes.slice(0, 12)), text);
  }
  assert.ok(shown.slice(0, 4).every((text) => text.includes("[REDACTED]")));
});

Deno.test("IDN-7: a wiped key holds nothing", () => {
  const pem = new TextEncoder().encode("key");
  const key = new PrivateKey(pem);
  assert.deepEqual([...key.reveal()], [107, 101, 121]);
  key.wipe();
  assert.deepEqual([...pem], [0, 0, 0]);
});
