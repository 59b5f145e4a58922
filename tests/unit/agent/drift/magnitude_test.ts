import assert from "node:assert/strict";
import fc from "fast-check";
import {
  DRIFT_CATEGORIES,
  type DriftCategory,
  isSensitive,
  magnitude,
  magnitudeOf,
  perCategory,
} from "../../../../agent/drift/mod.ts";

const one = (category: DriftCategory, value: number) => ({ ...perCategory(0), [category]: value });
const about = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 0.005, `${actual} is not about ${expected}`);

Deno.test("DRIFT-4: the published examples follow from the published table", () => {
  about(magnitudeOf([{ category: "kernel", key: "vm.swappiness" }]).total, 0.05);
  about(magnitudeOf([{ category: "files", key: "/etc/motd" }]).total, 0.15);
  about(
    magnitudeOf([
      { category: "mounts", key: "/data" },
      { category: "services", key: "chronyd" },
    ]).total,
    0.30,
  );
});

Deno.test("DRIFT-5: kernel weighs more than files, gpu more than mounts, two more than one", () => {
  assert.ok(magnitude(one("kernel", 0.5)) > magnitude(one("files", 0.5)));
  assert.ok(magnitude(one("gpu", 0.5)) > magnitude(one("mounts", 0.5)));
  assert.ok(magnitude({ ...one("files", 0.5), mounts: 0.5 }) > magnitude(one("files", 0.5)));
  assert.equal(magnitude(perCategory(0)), 0);
});

Deno.test("DRIFT-4: the weight stands outside the square, and 0 ignores a dimension", () => {
  assert.equal(magnitude(one("files", 3), { ...perCategory(1), files: 4 }), 6);
  assert.equal(magnitude(one("files", 3), { ...perCategory(1), files: 0 }), 0);
});

Deno.test("DRIFT-3: a dimension counts for at most 10", () => {
  const items = Array.from({ length: 200 }, (_, at) => ({
    category: "files" as const,
    key: `/f${at}`,
  }));
  assert.equal(magnitudeOf(items).perCategory.files, 10);
});

Deno.test("DRIFT-3: keys that decide about access or trust count half a point", () => {
  const sensitive: [DriftCategory, string][] = [
    ["files", "/etc/passwd"],
    ["files", "/etc/shadow"],
    ["files", "/etc/group"],
    ["files", "/etc/sudoers.d/ops"],
    ["files", "/etc/pact/ca.crt"],
    ["files", "/etc/ssl/certs/x.pem"],
    ["files", "/etc/pam.d/login"],
    ["files", "/etc/ld.so.preload"],
    ["kernel", "module:nvidia"],
    ["kernel", "kernel.modules_disabled"],
    ["kernel", "kernel.kptr_restrict"],
    ["kernel", "kernel.yama.ptrace_scope"],
    ["network", "route:default"],
  ];
  for (const [category, key] of sensitive) {
    assert.equal(isSensitive(category, key), true, key);
    assert.equal(magnitudeOf([{ category, key }]).perCategory[category], 0.5);
  }
  for (const key of ["/etc/passwd-", "/etc/motd", "/srv/etc/shadow"]) {
    assert.equal(isSensitive("files", key), false, key);
  }
});

Deno.test("D3: the magnitude is never negative and grows with every dimension", () => {
  const value = fc.double({ min: 0, max: 10, noNaN: true });
  fc.assert(
    fc.property(fc.constantFrom(...DRIFT_CATEGORIES), value, value, (category, a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      assert.ok(magnitude(one(category, low)) >= 0);
      assert.ok(magnitude(one(category, low)) <= magnitude(one(category, high)));
    }),
  );
});
