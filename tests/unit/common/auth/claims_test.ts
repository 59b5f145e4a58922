import assert from "node:assert/strict";
import { ClaimError, type Claims, principalOf } from "../../../../common/auth/mod.ts";

const SETTINGS = {
  principalClaim: "sub",
  clientIds: ["pact", "pact-cli"],
  roleMap: {
    "dana@example.org": "pact-platform-admin",
    alice: "pact-viewer-ml",
    operators: "pact-ops-ml",
    deploy: "pact-service-ai",
  },
};

function rolesOf(claims: Claims): readonly string[] {
  return principalOf({ sub: "x", ...claims }, SETTINGS).roles;
}

function typeOf(claims: Claims): string {
  return principalOf({ sub: "x", ...claims }, SETTINGS).principalType;
}

Deno.test("AUT-10: pact_role may be a text, a list in a text, or an array", () => {
  assert.deepEqual(rolesOf({ pact_role: "pact-ops-a" }), ["pact-ops-a"]);
  assert.deepEqual(rolesOf({ pact_role: "pact-ops-a, pact-ops-b c" }), [
    "pact-ops-a",
    "pact-ops-b",
    "c",
  ]);
  assert.deepEqual(rolesOf({ pact_role: ["a", 7, "b"] }), ["a", "b"]);
  assert.deepEqual(rolesOf({ pact_role: { a: 1 } }), []);
});

Deno.test("AUT-10: groups and the provider's roles count when they begin with pact-", () => {
  assert.deepEqual(
    rolesOf({
      groups: ["/pact-ops-a", "staff", "xpact-ops-b"],
      realm_access: { roles: ["pact-viewer-c", "offline_access"] },
      resource_access: {
        pact: { roles: ["pact-viewer-d", "user"] },
        "pact-cli": { roles: ["pact-viewer-e"] },
        other: { roles: ["pact-platform-admin"] },
      },
    }),
    ["pact-ops-a", "pact-viewer-c", "pact-viewer-d", "pact-viewer-e"],
  );
});

Deno.test("AUT-10: the role map adds by principal, email or group, and removes nothing", () => {
  assert.deepEqual(rolesOf({ sub: "alice", pact_role: "r" }), ["r", "pact-viewer-ml"]);
  assert.deepEqual(rolesOf({ email: "dana@example.org" }), ["pact-platform-admin"]);
  assert.deepEqual(rolesOf({ groups: ["/operators"] }), ["pact-ops-ml"]);
  assert.deepEqual(rolesOf({ sub: "constructor", groups: ["__proto__", "toString"] }), []);
});

Deno.test("AUT-10: an email that the provider says it did not check maps to nothing", () => {
  assert.deepEqual(rolesOf({ email: "dana@example.org", email_verified: false }), []);
  const byEmail = { ...SETTINGS, principalClaim: "email" };
  const claims = { sub: "x", email: "dana@example.org" };
  assert.equal(principalOf(claims, byEmail).principal, "dana@example.org");
  assert.equal(principalOf({ ...claims, email_verified: false }, byEmail).principal, "x");
});

Deno.test("AUT-10: the principal is the named claim, else sub", () => {
  const settings = { ...SETTINGS, principalClaim: "preferred_username" };
  assert.equal(principalOf({ sub: "1f", preferred_username: "ann" }, settings).principal, "ann");
  assert.equal(principalOf({ sub: "1f" }, settings).principal, "1f");
});

Deno.test("AUT-10: types of principals, unknown ones refused", () => {
  assert.equal(typeOf({}), "Human");
  assert.equal(typeOf({ pact_principal_type: "human" }), "Human");
  assert.equal(typeOf({ pact_principal_type: "agent" }), "Agent");
  assert.equal(typeOf({ pact_principal_type: "service" }), "Service");
  for (const type of ["robot", "Human", 7, null]) {
    assert.throws(() => typeOf({ pact_principal_type: type }), ClaimError);
  }
});

Deno.test("AUT-10: a token that a client got for itself is a service, named after the client", () => {
  const forms: Claims[] = [
    { sub: "deploy", client_id: "deploy" },
    { sub: "77-aa", azp: "deploy", preferred_username: "service-account-deploy" },
    { sub: "deploy@clients", azp: "deploy", gty: "client-credentials" },
  ];
  for (const claims of forms) {
    const { principal, principalType, roles } = principalOf(claims, SETTINGS);
    assert.deepEqual([principal, principalType], ["deploy", "Service"]);
    assert.deepEqual(roles, ["pact-service-ai"], "the role map knows it by that name");
  }
  assert.equal(typeOf({ sub: "ann", azp: "pact" }), "Human");
  assert.equal(typeOf({ sub: "d", client_id: "d", pact_principal_type: "human" }), "Human");
});

Deno.test("ROL-3: a machine role makes a service of whoever claims to be human", () => {
  assert.equal(typeOf({ pact_role: "pact-service-ai", pact_principal_type: "human" }), "Service");
});

Deno.test("no token carries a name of the journal or of an agent", () => {
  for (const sub of ["system/journal", "pact-service-agent/node-1@default", "SYSTEM/x"]) {
    assert.throws(() => principalOf({ sub }, SETTINGS), /the name is reserved/);
  }
});
