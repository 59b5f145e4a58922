import assert from "node:assert/strict";
import { CompactSign, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import {
  createTokenVerifier,
  hmacKeySource,
  type KeySource,
  type TokenVerifierOptions,
} from "../../../../common/auth/mod.ts";
import { PactError } from "../../../../common/errors/mod.ts";

const NOW_MS = Date.UTC(2026, 5, 1);
const SECRET = new TextEncoder().encode("0123456789abcdef0123456789abcdef");

function verifier(overrides: Partial<TokenVerifierOptions> = {}) {
  return createTokenVerifier({
    issuer: "https://idp.example",
    audiences: ["pact", "pact-cli"],
    keys: [hmacKeySource(SECRET)],
    claims: {
      principalClaim: "sub",
      clientIds: ["pact"],
      roleMap: { "dana@example.org": "pact-platform-admin" },
    },
    nowMs: () => NOW_MS,
    ...overrides,
  });
}

function token(
  claims: Record<string, unknown> = {},
  options: { alg?: string; secret?: Uint8Array } = {},
) {
  const seconds = NOW_MS / 1000;
  return new SignJWT({
    sub: "alice",
    iss: "https://idp.example",
    aud: "pact",
    iat: seconds,
    exp: seconds + 600,
    ...claims,
  }).setProtectedHeader({ alg: options.alg ?? "HS256" }).sign(options.secret ?? SECRET);
}

async function refusal(header: string | null, subject = verifier()): Promise<string> {
  try {
    await subject.verifyHeader(header);
  } catch (error) {
    assert.ok(error instanceof PactError);
    assert.equal(error.code, "UNAUTHENTICATED");
    return error.message;
  }
  throw new assert.AssertionError({ message: "the token was accepted" });
}

Deno.test("AUT-2: every check refuses with its own text", async () => {
  assert.equal(await refusal(null), "missing authorization header");
  assert.equal(await refusal("Basic abc"), "expected Bearer token");
  assert.equal(await refusal("Bearer caf\u00e9"), "invalid authorization header");
  assert.equal(await refusal("Bearer abc"), "invalid token: malformed");
  assert.equal(await refusal(`Bearer ${"x".repeat(20_000)}`), "invalid token: malformed");
  assert.equal(
    await refusal(`Bearer ${await token({}, { secret: new Uint8Array(32) })}`),
    "invalid token: bad signature",
  );
  assert.equal(
    await refusal(`Bearer ${await token({ exp: NOW_MS / 1000 - 61 })}`),
    "token expired",
  );
  assert.equal(
    await refusal(`Bearer ${await token({ iat: NOW_MS / 1000 + 61 })}`),
    "invalid token: not yet valid",
  );
  assert.equal(
    await refusal(`Bearer ${await token({ nbf: NOW_MS / 1000 + 61 })}`),
    "invalid token: not yet valid",
  );
  assert.equal(
    await refusal(`Bearer ${await token({ iss: "https://evil.example" })}`),
    "invalid issuer: expected https://idp.example",
  );
  assert.equal(
    await refusal(`Bearer ${await token({ aud: "other" })}`),
    "invalid audience: expected pact or pact-cli",
  );
  assert.equal(await refusal(`Bearer ${await token({ sub: "" })}`), "invalid token: sub missing");
});

Deno.test("AUT-2: of several faults the first in the order of the table is named", async () => {
  assert.equal(await refusal("Basic caf\u00e9"), "expected Bearer token");
  const late = { exp: NOW_MS / 1000 - 61, nbf: NOW_MS / 1000 + 61, iss: "x", aud: "x", sub: "" };
  const refusals = [];
  for (
    const gone of [[], ["exp"], ["exp", "nbf"], ["exp", "nbf", "iss"], ["exp", "nbf", "iss", "aud"]]
  ) {
    const faults = Object.fromEntries(
      Object.entries(late).filter(([name]) => !gone.includes(name)),
    );
    refusals.push(await refusal(`Bearer ${await token(faults)}`));
  }
  assert.deepEqual(refusals, [
    "token expired",
    "invalid token: not yet valid",
    "invalid issuer: expected https://idp.example",
    "invalid audience: expected pact or pact-cli",
    "invalid token: sub missing",
  ]);
});

Deno.test("AUT-2: what is signed but no claims is malformed", async () => {
  for (const claims of [{ exp: "soon" }, { nbf: null }, { iat: {} }]) {
    assert.equal(await refusal(`Bearer ${await token(claims)}`), "invalid token: malformed");
  }
  for (const text of ["[1]", "7", "no json", "\u0000"]) {
    const signed = await new CompactSign(new TextEncoder().encode(text))
      .setProtectedHeader({ alg: "HS256" }).sign(SECRET);
    assert.equal(await refusal(`Bearer ${signed}`), "invalid token: malformed", text);
  }
});

Deno.test("AUT-3: longer lifetimes are accepted where the settings say so", async () => {
  const week = `Bearer ${await token({ exp: NOW_MS / 1000 + 600_000 })}`;
  await verifier({ maxLifetimeSeconds: 604_800 }).verifyHeader(week);
  assert.equal(await refusal(week), "invalid token: lifetime above 86400 seconds");
});

Deno.test("AUT-3: expiry has 60 s of leeway, is mandatory, and lifetimes above a day are refused", async () => {
  await verifier().verifyHeader(`Bearer ${await token({ exp: NOW_MS / 1000 - 30 })}`);
  assert.equal(
    await refusal(`Bearer ${await token({ exp: undefined })}`),
    "invalid token: malformed",
  );
  assert.equal(
    await refusal(`Bearer ${await token({ exp: NOW_MS / 1000 + 90_000 })}`),
    "invalid token: lifetime above 86400 seconds",
  );
});

Deno.test("AUT-4: `none` and algorithms without a configured key are never accepted", async () => {
  const unsigned = new UnsecuredJWT({ sub: "alice", iss: "https://idp.example", aud: "pact" })
    .setExpirationTime(NOW_MS / 1000 + 600).encode();
  assert.equal(await refusal(`Bearer ${unsigned}`), "invalid token: algorithm not allowed");
  const { privateKey } = await generateKeyPair("ES256");
  const signed = await new SignJWT({ sub: "alice", aud: "pact" })
    .setProtectedHeader({ alg: "ES256" }).setExpirationTime("5m").sign(privateKey);
  assert.equal(await refusal(`Bearer ${signed}`), "invalid token: algorithm not allowed");
});

Deno.test("a key source that is out of reach fails closed without saying why to the caller", async () => {
  const broken: KeySource = {
    algorithms: ["HS256"],
    keyFor: () => Promise.reject(new Error("connect ECONNREFUSED 10.0.0.1")),
  };
  assert.equal(
    await refusal(`Bearer ${await token()}`, verifier({ keys: [broken] })),
    "signing keys unavailable",
  );
});

Deno.test("AUT-10: roles come from pact_role, groups, realm roles and the role map", async () => {
  const { principal } = await verifier().verifyHeader(
    `Bearer ${await token({
      pact_role: "pact-viewer-ml",
      groups: ["/pact-ops-batch", "staff"],
      realm_access: { roles: ["pact-regulated-x", "offline_access"] },
      email: "dana@example.org",
    })}`,
  );
  assert.deepEqual(principal, {
    principal: "alice",
    principalType: "Human",
    roles: ["pact-viewer-ml", "pact-ops-batch", "pact-regulated-x", "pact-platform-admin"],
    subject: "alice",
  });
});

Deno.test("ROL-3: a machine role makes a Service, whatever the token claims", async () => {
  const { principal } = await verifier().verifyHeader(
    `bearer ${await token({ pact_role: "pact-service-ai", pact_principal_type: "human" })}`,
  );
  assert.equal(principal.principalType, "Service");
});

Deno.test("AUT-8: a verified token is remembered for a minute, never beyond its expiry", async () => {
  let nowMs = NOW_MS;
  let lookups = 0;
  const counting: KeySource = {
    algorithms: ["HS256"],
    keyFor: () => {
      lookups++;
      return Promise.resolve(SECRET);
    },
  };
  const subject = verifier({ keys: [counting], nowMs: () => nowMs });
  const header = `Bearer ${await token({ exp: NOW_MS / 1000 + 30 })}`;
  await subject.verifyHeader(header);
  await subject.verifyHeader(header);
  assert.equal(lookups, 1);
  nowMs += 100_000;
  assert.equal(await refusal(header, subject), "token expired");
});
