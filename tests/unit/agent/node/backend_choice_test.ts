import assert from "node:assert/strict";
import { backendNamed, chooseBackend, pendingText } from "../../../../agent/node/backend_choice.ts";

const PACT_NODE = {
  recorded: null,
  declared: null,
  configured: "pact",
  isSystemdRunning: false,
} as const;
const SYSTEMD_NODE = { ...PACT_NODE, isSystemdRunning: true } as const;

const chosen = (backend: string) => ({ kind: "chosen", backend });

Deno.test("CTX-7: without systemd as first program pact runs the services, whatever the policy says", () => {
  assert.deepEqual(chooseBackend(PACT_NODE), chosen("pact"));
  assert.deepEqual(chooseBackend({ ...PACT_NODE, declared: "systemd" }), chosen("pact"));
});

Deno.test("SYD-8: a node configured for systemd that does not run it says so", () => {
  assert.deepEqual(chooseBackend({ ...PACT_NODE, configured: "systemd" }), {
    kind: "impossible",
    reason: "systemd is not running",
  });
});

Deno.test("ACF-3: beside systemd the policy decides, once it is known", () => {
  assert.deepEqual(chooseBackend(SYSTEMD_NODE), { kind: "open" });
  assert.deepEqual(chooseBackend({ ...SYSTEMD_NODE, configured: "systemd" }), { kind: "open" });
  assert.deepEqual(chooseBackend({ ...SYSTEMD_NODE, declared: "systemd" }), chosen("systemd"));
  assert.deepEqual(
    chooseBackend({ ...SYSTEMD_NODE, configured: "systemd", declared: "pact" }),
    chosen("pact"),
  );
});

Deno.test("CTX-7: what a boot has decided stays until the next one, and what is wanted is shown", () => {
  const facts = { ...SYSTEMD_NODE, declared: "systemd", recorded: "pact" } as const;
  assert.deepEqual(chooseBackend(facts), chosen("pact"));
  assert.equal(
    pendingText("pact", facts),
    "backend change pending reboot: systemd is declared, pact runs the services",
  );
  assert.match(
    pendingText("pact", { ...PACT_NODE, declared: "systemd" }) ?? "",
    /^backend change pending reboot: .*; boot it with systemd as its first program$/,
  );
  assert.equal(pendingText("systemd", facts), null);
  assert.equal(pendingText("pact", PACT_NODE), null);
});

Deno.test("only the two names are backends", () => {
  assert.deepEqual(["pact", "systemd", "", "Pact", undefined].map(backendNamed), [
    "pact",
    "systemd",
    null,
    null,
    null,
  ]);
});
