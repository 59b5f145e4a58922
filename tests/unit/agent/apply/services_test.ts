import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";
import { effectiveFromWire, servicesDimension } from "../../../../agent/apply/mod.ts";
import type { Target } from "../../../../agent/drift/mod.ts";
import { RecordedControl } from "./recorded_control.ts";

function targetsOf(...specs: { name: string; binary?: string; stopped?: boolean }[]) {
  const declared = create(agentport.DeclaredConfigSchema, { services: specs });
  return effectiveFromWire(declared).targets.services;
}
const operations = (targets: ReadonlyMap<string, Target>) =>
  [...targets].map(([key, target]) => ({ key, target }));

Deno.test("DRIFT-1: a service stopped by hand is drift, until it runs again", async () => {
  const control = new RecordedControl();
  const services = servicesDimension(control);
  const targets = targetsOf({ name: "web" }, { name: "db" });
  await services.apply(operations(targets));
  const differing = async () =>
    (await services.diff(targets, await services.observe(targets.keys()))).map(({ key }) => key);
  assert.deepEqual(await differing(), []);
  control.states.set("web", { state: "stopped", reason: "stopped by alice" });
  assert.deepEqual(await differing(), ["web"]);
  for (const state of ["changing", "completed"] as const) {
    control.states.set("web", { state, reason: "" });
    assert.deepEqual(await differing(), [], `${state} is no drift`);
  }
  control.states.set("web", { state: "failed", reason: "exit code 1" });
  assert.deepEqual(await differing(), ["web"]);
  await services.revert([{ key: "web", target: targets.get("web") ?? { state: "absent" } }]);
  assert.deepEqual(control.calls, ["declare web,db", "start web"]);
  assert.deepEqual(await differing(), []);
});

Deno.test("SVC-7: the supervisor is told the whole set, and only when it changed", async () => {
  const control = new RecordedControl();
  const services = servicesDimension(control);
  await services.apply(operations(targetsOf({ name: "web" }, { name: "db" })));
  await services.apply(operations(targetsOf({ name: "web" })));
  await services.apply(operations(targetsOf({ name: "web", binary: "/bin/new" })));
  await services.apply(operations(targetsOf({ name: "db", stopped: true })));
  await services.release([{ key: "db", original: undefined }]);
  assert.deepEqual(control.calls, [
    "declare web,db",
    "declare web,db",
    "declare web,(db)",
    "declare web",
  ]);
});

Deno.test("SVC-1: an invalid set fails with the supervisor's words, the old one stays", async () => {
  const control = new RecordedControl();
  const services = servicesDimension(control);
  await services.apply(operations(targetsOf({ name: "web" })));
  control.refusal = "dependency cycle: a -> b -> a";
  const outcomes = await services.apply(operations(targetsOf({ name: "a" }, { name: "b" })));
  assert.deepEqual(outcomes.map((outcome) => outcome.result === "failed" && outcome.reason), [
    "dependency cycle: a -> b -> a",
    "dependency cycle: a -> b -> a",
  ]);
  assert.deepEqual([...control.states.keys()], ["web"]);
});
