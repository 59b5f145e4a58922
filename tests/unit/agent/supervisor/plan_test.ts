import assert from "node:assert/strict";
import { planStart } from "../../../../agent/supervisor/mod.ts";
import { service } from "./fixtures.ts";

const names = (plan: ReturnType<typeof planStart>) => plan.sequence.map(({ name }) => name);

Deno.test("SVC-2: dependencies start first, ties go by order and then by name", () => {
  const plan = planStart([
    service("web", { order: 2, dependsOn: ["db"] }),
    service("zeta", { order: 1 }),
    service("alpha", { order: 1 }),
    service("db", { order: 2 }),
  ]);
  assert.deepEqual(names(plan), ["alpha", "zeta", "db", "web"]);
});

Deno.test("SVC-1: a dependency of higher order is accepted with a warning, and goes first", () => {
  const plan = planStart([
    service("early", { order: 1, dependsOn: ["late"] }),
    service("late", { order: 9 }),
    service("middle", { order: 5 }),
  ]);
  assert.deepEqual(names(plan), ["middle", "late", "early"]);
  assert.equal(plan.ranks.get("early"), 9);
  assert.match(plan.warnings.join(), /early \(order 1\) starts after its dependency late/);
});

Deno.test("SVC-1: an unknown dependency refuses the whole set", () => {
  assert.throws(() => planStart([service("a", { dependsOn: ["b"] })]), {
    message: "service a depends on unknown service b",
  });
});

Deno.test("SVC-1: a dependency cycle is named from end to end", () => {
  assert.throws(
    () => planStart([service("b", { dependsOn: ["a"] }), service("a", { dependsOn: ["b"] })]),
    { message: "dependency cycle: a -> b -> a" },
  );
  assert.throws(() => planStart([service("a", { dependsOn: ["a"] })]), {
    message: "dependency cycle: a -> a",
  });
  assert.throws(
    () =>
      planStart([
        service("a", { dependsOn: ["b"] }),
        service("b", { dependsOn: ["c"] }),
        service("c", { dependsOn: ["b"] }),
      ]),
    { message: "dependency cycle: b -> c -> b" },
  );
});

Deno.test("a service declared twice refuses the set", () => {
  assert.throws(() => planStart([service("a"), service("a")]), {
    message: "service a: declared more than once",
  });
});
