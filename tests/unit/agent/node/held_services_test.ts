import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";
import { effectiveFromWire, servicesDimension } from "../../../../agent/apply/mod.ts";
import { HeldServices } from "../../../../agent/node/held_services.ts";
import { RecordedControl } from "../apply/recorded_control.ts";

type Spec = { name: string; binary?: string; dependsOn?: string[] };

function node() {
  const control = new RecordedControl();
  const held = new HeldServices(control);
  const services = servicesDimension(held);
  const targetsOf = (...specs: Spec[]) => {
    const all = specs.map((spec) => ({ binary: "/bin/true", ...spec }));
    return effectiveFromWire(create(agentport.DeclaredConfigSchema, { services: all })).targets
      .services;
  };
  return {
    control,
    held,
    apply: (...specs: Spec[]) =>
      services.apply([...targetsOf(...specs)].map(([key, target]) => ({ key, target }))),
    drift: async (...specs: Spec[]) => {
      const targets = targetsOf(...specs);
      return (await services.diff(targets, await services.observe(targets.keys()))).length;
    },
  };
}

Deno.test("BTS-1: what is declared before the boot comes to services starts when it does, and is no drift until then", async () => {
  const { control, held, apply, drift } = node();
  assert.deepEqual((await apply({ name: "web" })).map(({ result }) => result), ["done"]);
  assert.deepEqual(control.calls, []);
  assert.equal(await drift({ name: "web" }), 0);
  await held.release();
  assert.deepEqual(control.calls, ["declare web"]);
  await apply({ name: "web" }, { name: "db" });
  assert.deepEqual(control.calls, ["declare web", "declare web,db"]);
});

Deno.test("BTS-13: what the agent before left running is no news; what it left at rest starts when the boot comes to services", async () => {
  const { control, held, apply, drift } = node();
  control.states.set("web", { state: "running", reason: "" });
  control.states.set("db", { state: "stopped", reason: "" });
  await apply({ name: "web" }, { name: "db" });
  assert.deepEqual(control.calls, []);
  assert.equal(await drift({ name: "web" }, { name: "db" }), 0);
  control.declare = () => Promise.resolve();
  await held.release();
  assert.deepEqual(control.calls, ["start db"]);
});

Deno.test("SVC-1: a cycle is refused when it is declared, not when the boot comes to services", async () => {
  const { control, held, apply } = node();
  const outcomes = await apply({ name: "a", dependsOn: ["b"] }, { name: "b", dependsOn: ["a"] });
  assert.match(JSON.stringify(outcomes), /dependency cycle: a -> b -> a/);
  await held.release();
  assert.deepEqual(control.calls, []);
});

Deno.test("BTS-2: a start of services that failed is repeated, unless something newer was declared meanwhile", async () => {
  const { control, held, apply } = node();
  await apply({ name: "web" });
  control.refusal = "no space left on device";
  await assert.rejects(held.release(), /no space left/);
  control.refusal = undefined;
  await held.release();
  await held.release();
  assert.deepEqual(control.calls, ["declare web"]);
});

Deno.test("NEN-7: what was not started when the node was revoked is not started any more", async () => {
  const { control, held, apply } = node();
  await apply({ name: "web" });
  held.forget();
  await held.release();
  assert.deepEqual(control.calls, []);
});
