import assert from "node:assert/strict";
import { chooseFlow, type Flow, type FlowFacts } from "../../../../cli/login/mod.ts";

const EVERYTHING: FlowFacts = {
  forced: undefined,
  hasBrowser: true,
  hasClientSecret: true,
  canPkce: true,
  hasAuthorizationEndpoint: true,
  hasDeviceEndpoint: true,
};

const CASES: readonly (readonly [string, Partial<FlowFacts>, Flow])[] = [
  ["a browser and S256", {}, "pkce"],
  ["a browser, no S256, a secret", { canPkce: false }, "confidential"],
  ["a browser, no S256, no secret", { canPkce: false, hasClientSecret: false }, "device"],
  ["no browser", { hasBrowser: false }, "device"],
  ["no browser, no device codes", { hasBrowser: false, hasDeviceEndpoint: false }, "manual"],
  ["no authorization endpoint", { hasAuthorizationEndpoint: false }, "device"],
  ["device codes by force", { forced: "device" }, "device"],
  ["pasting by force", { forced: "manual" }, "manual"],
  ["a service account", { forced: "service", hasAuthorizationEndpoint: false }, "service"],
];

for (const [what, facts, flow] of CASES) {
  Deno.test(`CLI-25: ${what}: ${flow}`, () => {
    assert.equal(chooseFlow({ ...EVERYTHING, ...facts }), flow);
  });
}

Deno.test("CLI-25: where nothing fits it ends with exit 2 and the reason", () => {
  const nothing = { hasAuthorizationEndpoint: false, hasDeviceEndpoint: false };
  for (const facts of [nothing, { ...nothing, forced: "manual" as const }]) {
    assert.throws(() => chooseFlow({ ...EVERYTHING, ...facts }), {
      message: "no compatible authentication flow is available",
      exitCode: 2,
    });
  }
  assert.throws(() => chooseFlow({ ...EVERYTHING, forced: "device", hasDeviceEndpoint: false }), {
    exitCode: 2,
  });
});
