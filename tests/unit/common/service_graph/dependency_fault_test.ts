import assert from "node:assert/strict";
import fc from "fast-check";
import { dependencyFault, faultText } from "../../../../common/service_graph/mod.ts";

const faultOf = (services: Readonly<Record<string, readonly string[]>>) => {
  const fault = dependencyFault(new Map(Object.entries(services)));
  return fault && faultText(fault);
};

Deno.test("SVC-1: a set that can be started has no fault", () => {
  assert.equal(faultOf({}), undefined);
  assert.equal(faultOf({ web: ["db", "db"], db: ["disk"], disk: [] }), undefined);
});

Deno.test("SVC-1: an unknown dependency is named with who depends on it", () => {
  assert.equal(faultOf({ web: ["db"] }), "service web depends on unknown service db");
});

Deno.test("SVC-1: a cycle is named from end to end, without those that only wait for it", () => {
  assert.equal(faultOf({ a: ["a"] }), "dependency cycle: a -> a");
  assert.equal(faultOf({ hen: ["egg"], egg: ["hen"] }), "dependency cycle: egg -> hen -> egg");
  assert.equal(
    faultOf({ a: ["ok", "b"], b: ["c"], c: ["b"], ok: [] }),
    "dependency cycle: b -> c -> b",
  );
});

Deno.test("SVC-1: of a long cycle the text names the beginning and how many it goes through", () => {
  const ring = Object.fromEntries(
    [...Array(40).keys()].map((n) => [`s${n}`, [`s${(n + 1) % 40}`]]),
  );
  assert.equal(
    faultOf(ring),
    "dependency cycle: s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> s6 -> s7 -> ... (40 services) -> s0",
  );
});

Deno.test("SVC-1: a chain of 100000 services takes no recursion, open or closed to a ring", () => {
  const last = 99_999;
  const chain = new Map<string, string[]>();
  for (let n = 0; n < last; n++) chain.set(`s${n}`, [`s${n + 1}`]);
  chain.set(`s${last}`, []);
  assert.equal(dependencyFault(chain), undefined);
  chain.set(`s${last}`, ["s0"]);
  const fault = dependencyFault(chain);
  assert.equal(fault?.kind === "cycle" && fault.path.length, last + 2);
});

Deno.test("SVC-1: a named cycle is one, and a set without a fault has an order to start in", () => {
  const name: fc.Arbitrary<string> = fc.constantFrom(..."abcdef");
  const sets = fc.dictionary(name, fc.array(name, { maxLength: 3 }), { minKeys: 1 });
  fc.assert(fc.property(sets, (services) => {
    const set = new Map<string, readonly string[]>(Object.entries(services));
    const fault = dependencyFault(set);
    if (fault?.kind === "unknown") {
      assert.ok(set.get(fault.service)?.includes(fault.dependency) && !set.has(fault.dependency));
    } else if (fault?.kind === "cycle") {
      assert.equal(fault.path[0], fault.path.at(-1));
      for (const [at, service] of fault.path.slice(0, -1).entries()) {
        assert.ok(set.get(service)?.includes(fault.path[at + 1] ?? ""));
      }
    } else {
      const started = new Set<string>();
      for (const _ of set) {
        const next = [...set].find(([service, dependencies]) =>
          !started.has(service) && dependencies.every((other) => started.has(other))
        );
        started.add(next?.[0] ?? "");
      }
      assert.deepEqual([...started].sort(), [...set.keys()].sort());
    }
  }));
});
