import assert from "node:assert/strict";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import {
  createTokenVerifier,
  hmacKeySource,
  jwksKeySource,
  type JwksOptions,
} from "../../../../common/auth/mod.ts";
import { PactError } from "../../../../common/errors/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

const HOUR_MS = 3_600_000;

/** A provider of keys over real HTTP, which a test can break. */
class Provider implements AsyncDisposable {
  readonly asked: string[] = [];
  keys: JWK[] = [];
  /** Answers instead of the metadata and keys, by path. */
  answers: Record<string, () => Response | Promise<Response>> = {};
  isDown = false;
  readonly #server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) => this.#answer(new URL(request.url).pathname),
  );

  get issuer(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Makes a key and publishes its public half. */
  async publish(kid: string, alg = "ES256", more: Partial<JWK> = {}) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...await exportJWK(publicKey), kid, ...more };
    this.keys.push(jwk);
    return {
      jwk,
      sign: (header: object = {}) => signed(privateKey, { alg, kid, ...header }, this.issuer),
    };
  }

  #answer(path: string): Response | Promise<Response> {
    this.asked.push(path);
    if (this.isDown) return new Response("down", { status: 503 });
    const answer = this.answers[path];
    if (answer !== undefined) return answer();
    if (path === "/.well-known/openid-configuration") {
      return Response.json({ issuer: this.issuer, jwks_uri: `${this.issuer}/keys` });
    }
    if (path === "/keys") return Response.json({ keys: this.keys });
    return new Response("not here", { status: 404 });
  }

  async [Symbol.asyncDispose]() {
    await this.#server.shutdown();
  }
}

async function signed(key: CryptoKey, header: object, issuer: string): Promise<string> {
  return await new SignJWT({ sub: "ann" })
    .setProtectedHeader({ alg: "ES256", ...header })
    .setIssuer(issuer).setAudience("pact").setExpirationTime("5m").setIssuedAt().sign(key);
}

/** A verifier whose own memory of tokens is short, so that each call asks for the key. */
function verifier(provider: Provider, clock: VirtualClock, more: Partial<JwksOptions> = {}) {
  const source = jwksKeySource({ issuer: provider.issuer, jwksUrl: undefined, clock, ...more });
  const tokens = createTokenVerifier({
    issuer: provider.issuer,
    audiences: ["pact"],
    keys: [source],
    claims: { principalClaim: "sub", roleMap: {} },
    nowMs: () => Date.now(),
  });
  return {
    [Symbol.dispose]: () => source.close(),
    verify: async (token: string): Promise<string> => {
      try {
        return (await tokens.verifyHeader(`Bearer ${token}`)).principal.principal;
      } catch (error) {
        assert.ok(error instanceof PactError);
        return error.message;
      }
    },
  };
}

Deno.test("AUT-6: keys are found by the metadata of the issuer", async () => {
  await using provider = await new Provider();
  const { sign } = await provider.publish("k1");
  using subject = verifier(provider, new VirtualClock());
  assert.equal(await subject.verify(await sign()), "ann");
  assert.deepEqual(provider.asked, ["/.well-known/openid-configuration", "/keys"]);
});

Deno.test("AUT-6: a configured address comes first, the usual one where there are no metadata", async () => {
  await using provider = await new Provider();
  const { sign } = await provider.publish("k1");
  {
    using subject = verifier(provider, new VirtualClock(), { jwksUrl: `${provider.issuer}/keys` });
    assert.equal(await subject.verify(await sign()), "ann");
    assert.deepEqual(provider.asked.splice(0), ["/keys"]);
  }
  provider.answers["/.well-known/openid-configuration"] = () => new Response("", { status: 404 });
  provider.answers["/.well-known/jwks.json"] = () => Response.json({ keys: provider.keys });
  using subject = verifier(provider, new VirtualClock());
  assert.equal(await subject.verify(await sign()), "ann");
  assert.deepEqual(provider.asked, ["/.well-known/openid-configuration", "/.well-known/jwks.json"]);
});

Deno.test("AUT-6: metadata of another issuer, or that fail, give no keys", async () => {
  await using provider = await new Provider();
  const { sign } = await provider.publish("k1");
  const reasons: string[] = [];
  const clock = new VirtualClock();
  using subject = verifier(provider, clock, { onFailed: (reason) => reasons.push(reason) });
  provider.answers["/.well-known/openid-configuration"] = () =>
    Response.json({ issuer: "https://other.example", jwks_uri: `${provider.issuer}/keys` });
  assert.equal(await subject.verify(await sign()), "signing keys unavailable");
  provider.answers["/.well-known/openid-configuration"] = () => new Response("", { status: 500 });
  clock.advance(5_000);
  assert.equal(await subject.verify(await sign()), "signing keys unavailable");
  assert.match(
    reasons.join("\n"),
    /is of issuer 'https:\/\/other.example', not of.*\n.*answered 500/,
  );
});

Deno.test("AUT-7: ten thousand tokens and as many at once fetch the keys once", async () => {
  await using provider = await new Provider();
  const { sign } = await provider.publish("k1");
  using subject = verifier(provider, new VirtualClock());
  const tokens = await Promise.all(
    Array.from({ length: 50 }, () => sign({ typ: crypto.randomUUID() })),
  );
  const principals = await Promise.all(tokens.map((token) => subject.verify(token)));
  assert.ok(principals.every((principal) => principal === "ann"));
  assert.equal(provider.asked.length, 2);
});

Deno.test("ACC-P2: after a rotation the new key is fetched at once, the withdrawn one is refused", async () => {
  await using provider = await new Provider();
  const old = await provider.publish("k1");
  const clock = new VirtualClock();
  using subject = verifier(provider, clock);
  assert.equal(await subject.verify(await old.sign()), "ann");
  provider.keys = [];
  const fresh = await provider.publish("k2");
  assert.equal(await subject.verify(await fresh.sign()), "ann");
  assert.equal(
    await subject.verify(await old.sign({ typ: "again" })),
    "invalid token: no matching key",
  );
  const fetches = provider.asked.length;
  assert.equal(
    await subject.verify(await fresh.sign({ kid: "nobody's" })),
    "invalid token: no matching key",
  );
  assert.equal(provider.asked.length, fetches, "one forced fetch in 30 s");
});

Deno.test("ACC-P2: with the provider down warm keys serve for 24 h, then none do, until it is back", async () => {
  await using provider = await new Provider();
  const { sign } = await provider.publish("k1");
  const clock = new VirtualClock();
  const usableForMs: number[] = [];
  let recovered = 0;
  using subject = verifier(provider, clock, {
    onFailed: (_reason, ms) => usableForMs.push(ms),
    onRecovered: () => recovered++,
  });
  const token = () => sign({ typ: crypto.randomUUID() });
  assert.equal(await subject.verify(await token()), "ann");
  provider.isDown = true;
  clock.advance(2 * HOUR_MS);
  assert.equal(await subject.verify(await token()), "ann");
  assert.deepEqual(usableForMs, [22 * HOUR_MS]);
  clock.advance(22 * HOUR_MS);
  assert.equal(await subject.verify(await token()), "signing keys unavailable");
  assert.equal(usableForMs.at(-1), 0);
  provider.isDown = false;
  clock.advance(5_000);
  assert.equal(await subject.verify(await token()), "ann");
  assert.equal(recovered, 1);
});

Deno.test("AUT-7: too large, too many, no keys, a redirect and plain http of others are refused", async () => {
  await using provider = await new Provider();
  const { sign, jwk } = await provider.publish("k1");
  const answers: Record<string, () => Response> = {
    "larger than 1048576 bytes": () => new Response(`{"keys":[],"x":"${"x".repeat(1 << 20)}"}`),
    "at most 100 keys": () => Response.json({ keys: Array.from({ length: 101 }, () => jwk) }),
    "without a usable key": () => Response.json({ keys: [{ kty: "oct", k: "c2VjcmV0" }, 7] }),
    "not a JSON document": () => new Response("<html>"),
    "answered 302": () => new Response(null, { status: 302, headers: { location: "/other" } }),
  };
  for (const [reason, answer] of Object.entries(answers)) {
    const reasons: string[] = [];
    provider.answers["/keys"] = answer;
    using subject = verifier(provider, new VirtualClock(), {
      onFailed: (why) => reasons.push(why),
    });
    assert.equal(await subject.verify(await sign()), "signing keys unavailable");
    assert.ok(reasons[0]?.includes(reason), `${reasons}`);
  }
  const reasons: string[] = [];
  using subject = verifier(provider, new VirtualClock(), {
    jwksUrl: "http://idp.invalid/keys",
    onFailed: (why) => reasons.push(why),
  });
  assert.equal(await subject.verify(await sign()), "signing keys unavailable");
  assert.match(reasons.join(), /refused, it is not https/);
});

Deno.test("AUT-4: a key serves its own algorithm only, and a published key is never an HMAC secret", async () => {
  await using provider = await new Provider();
  const { jwk: rsa, sign: signRsa } = await provider.publish("rsa", "RS256");
  const { sign: signEc } = await provider.publish("ec", "ES256", { alg: "ES384" });
  const { sign: signEncryption } = await provider.publish("enc", "ES256", { use: "enc" });
  const { sign: signEd } = await provider.publish("ed", "EdDSA");
  using subject = verifier(provider, new VirtualClock());
  assert.equal(await subject.verify(await signRsa()), "ann");
  assert.equal(await subject.verify(await signEd()), "ann");
  for (const sign of [signEc, signEncryption]) {
    assert.equal(await subject.verify(await sign()), "invalid token: no matching key");
  }
  const secrets = [rsa.n ?? "", JSON.stringify(rsa)].map((text) => new TextEncoder().encode(text));
  const source = jwksKeySource({ issuer: provider.issuer, jwksUrl: undefined });
  for (const secret of secrets) {
    const forged = await new SignJWT({ sub: "eve" }).setProtectedHeader({
      alg: "HS256",
      kid: "rsa",
    })
      .setIssuer(provider.issuer).setAudience("pact").setExpirationTime("5m").sign(secret);
    assert.equal(await subject.verify(forged), "invalid token: algorithm not allowed");
    const both = createTokenVerifier({
      issuer: provider.issuer,
      audiences: ["pact"],
      keys: [hmacKeySource(new TextEncoder().encode("s".repeat(32))), source],
      claims: { principalClaim: "sub", roleMap: {} },
      nowMs: () => Date.now(),
    });
    await assert.rejects(both.verifyHeader(`Bearer ${forged}`), /invalid token: bad signature/);
  }
  source.close();
});

Deno.test("AUT-4: private parts and short keys in a published set are never used", async () => {
  await using provider = await new Provider();
  const { sign } = await provider.publish("leaked", "ES256", { d: "AAAA" });
  provider.keys.push({ kty: "RSA", kid: "short", n: "a".repeat(171), e: "AQAB" });
  using subject = verifier(provider, new VirtualClock());
  assert.equal(await subject.verify(await sign()), "ann");
});

Deno.test("a token without kid is verified where exactly one key can be meant", async () => {
  await using provider = await new Provider();
  const { sign } = await provider.publish("k1");
  const clock = new VirtualClock();
  using subject = verifier(provider, clock);
  assert.equal(await subject.verify(await sign({ kid: undefined })), "ann");
  await provider.publish("k2");
  clock.advance(HOUR_MS);
  assert.equal(
    await subject.verify(await sign({ kid: undefined, typ: "x" })),
    "invalid token: no matching key",
  );
});
