/**
 * What a journal and an agent say to tokens of a real OpenID provider, good ones and forged ones
 * (ACC-P2). The journal's clock can be set forward; the provider's cannot.
 */
import assert from "node:assert/strict";
import { ConnectError } from "@connectrpc/connect";
import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";
import { systemClock } from "../../common/clock/mod.ts";
import { startProvider, type TestProvider } from "../support/idp/mod.ts";
import { openJournalSite } from "../support/journal/mod.ts";
import { openSite } from "../support/site/mod.ts";

const HOUR_MS = 3_600_000;

/** A journal of one issuer, whose clock a test sets forward. */
async function openJournal(issuer: string, iam: Readonly<Record<string, unknown>> = {}) {
  let aheadMs = 0;
  const site = await openJournalSite({
    toml: { policy: { iam: { oidc_issuer: issuer, ...iam } } },
    clock: {
      ...systemClock,
      nowMs: () => systemClock.nowMs() + aheadMs,
      monotonicMs: () => systemClock.monotonicMs() + aheadMs,
    },
  });
  return {
    site,
    forward: (ms: number) => aheadMs += ms,
    /** "accepted", or the reason of the refusal. */
    present: async (token: string): Promise<string> => {
      using clients = site.dial({ token });
      try {
        await clients.fleet.listNodeStates({});
        return "accepted";
      } catch (error) {
        return ConnectError.from(error).rawMessage.replace(/^UNAUTHENTICATED: /, "");
      }
    },
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  };
}

/** The provider's published keys, as text. */
async function publishedKeys({ issuer }: TestProvider): Promise<string> {
  return await (await fetch(`${issuer}/jwks`)).text();
}

const part = (value: unknown) =>
  new TextEncoder().encode(JSON.stringify(value)).toBase64({
    alphabet: "base64url",
    omitPadding: true,
  });

Deno.test("ACC-P2: expired, of another issuer, for another audience", async () => {
  await using provider = await startProvider({ accessTokenSeconds: 30 });
  await using journal = await openJournal(provider.issuer);
  const token = await provider.robotToken();
  assert.equal(await journal.present(token), "accepted");
  journal.forward(85_000);
  assert.equal(await journal.present(token), "accepted", "60 s of leeway (AUT-3)");
  journal.forward(10_000);
  assert.equal(await journal.present(token), "token expired");

  await using stranger = await startProvider({ audience: "other" });
  assert.equal(
    await journal.present(await stranger.robotToken()),
    "invalid token: no matching key",
  );
  await using theirs = await openJournal(stranger.issuer);
  assert.equal(
    await theirs.present(await stranger.robotToken()),
    "invalid audience: expected pact",
  );
  await using confused = await openJournal("https://idp.example", {
    jwks_url: `${stranger.issuer}/jwks`,
  });
  assert.equal(
    await confused.present(await stranger.robotToken()),
    "invalid issuer: expected https://idp.example",
  );
});

Deno.test("ACC-P2: alg none, and HS256 with the public key as secret", async () => {
  await using provider = await startProvider();
  const secret = "a shared secret of more than thirty-two bytes";
  await using journal = await openJournal(provider.issuer);
  await using shared = await openJournal(provider.issuer, { hmac_secret: secret });
  const good = await provider.robotToken();
  const [, payload = ""] = good.split(".");
  const header = decodeProtectedHeader(good);
  const none = `${part({ ...header, alg: "none" })}.${payload}.`;
  const keys = await publishedKeys(provider);
  const sign = (text: string) =>
    new SignJWT(decodeJwt(good)).setProtectedHeader({ ...header, alg: "HS256" })
      .sign(new TextEncoder().encode(text));
  for (const { present } of [journal, shared]) {
    assert.equal(await present(good), "accepted");
    assert.equal(await present(none), "invalid token: algorithm not allowed");
  }
  for (const text of [keys, JSON.stringify(JSON.parse(keys).keys[0])]) {
    const forged = await sign(text);
    assert.equal(await journal.present(forged), "invalid token: algorithm not allowed");
    assert.equal(await shared.present(forged), "invalid token: bad signature");
  }
  assert.equal(await shared.present(await sign(secret)), "accepted", "AUT-5: by explicit setting");
  const [head = "", body = "", signature = ""] = good.split(".");
  assert.equal(
    await journal.present(`${head}.${body}.${"A".repeat(signature.length)}`),
    "invalid token: bad signature",
  );
});

Deno.test("ACC-P2: an unknown kid, then the rotated key", async () => {
  await using provider = await startProvider();
  await using journal = await openJournal(provider.issuer);
  const old = await provider.robotToken();
  assert.equal(await journal.present(old), "accepted");
  await provider.order("rotate");
  assert.equal(await journal.present(await provider.robotToken()), "accepted");
  const fetches = await provider.count("GET /jwks");
  const good = await provider.robotToken();
  const [, payload, signature] = good.split(".");
  for (let index = 0; index < 20; index++) {
    const header = part({ ...decodeProtectedHeader(good), kid: `made up ${index}` });
    assert.equal(
      await journal.present(`${header}.${payload}.${signature}`),
      "invalid token: no matching key",
    );
  }
  assert.equal(await provider.count("GET /jwks"), fetches, "made-up kids cause no load");
  journal.forward(61_000);
  assert.equal(await journal.present(old), "invalid token: no matching key", "withdrawn");
});

Deno.test("ACC-P2: the provider is away: warm keys serve, after 24 h none do, and then it is back", async () => {
  await using provider = await startProvider({ accessTokenSeconds: 80_000 });
  await using journal = await openJournal(provider.issuer);
  const token = await provider.robotToken();
  assert.equal(await journal.present(token), "accepted");
  await provider.order("down");
  journal.forward(20 * HOUR_MS);
  assert.equal(await journal.present(token), "accepted");
  journal.forward(4 * HOUR_MS);
  assert.equal(await journal.present(token), "signing keys unavailable");
  await provider.order("up");
  journal.forward(5_000);
  assert.equal(await journal.present(token), "token expired");
});

Deno.test("AUT-10: roles by claim, group and role map; the client is a service", async () => {
  await using provider = await startProvider({ claims: { robot: { groups: ["/ml-people"] } } });
  const token = await provider.robotToken();
  await using roleless = await openJournal(provider.issuer);
  assert.match(await roleless.present(token), /no pact role in token/);
  await using mapped = await openJournal(provider.issuer, {
    role_map: { "ml-people": "pact-viewer-ml" },
  });
  assert.equal(await mapped.present(token), "accepted");
});

Deno.test("AUT-9: an agent verifies the provider's tokens by itself, through a rotation and an outage", async () => {
  const claims = { robot: { pact_role: "pact-platform-admin" } };
  await using provider = await startProvider({ claims });
  await using site = await openSite();
  await site.startJournal({ issuer: provider.issuer });
  await site.addPerson({ name: "ana", role: "pact-platform-admin" });
  const useToken = (token: string) =>
    Deno.writeTextFile(site.tokenFileOf("ana"), token, { mode: 0o600 });
  const uname = async () => {
    const end = await site.pact("ana", ["exec", "node-1", "--", "uname", "-s"]);
    assert.deepEqual([end.code, end.stdout], [0, "Linux\n"], `${end.stderr}${site.logs()}`);
  };
  await useToken(await provider.robotToken());
  await site.pact("ana", ["enroll", "node-1", "--hardware-id", site.hardwareId("node-1")]);
  await site.startAgent("node-1", { issuer: provider.issuer });
  // Starting an agent writes people's files anew, with tokens of the site's own.
  await useToken(await provider.robotToken());
  await uname();
  await provider.order("rotate");
  await useToken(await provider.robotToken());
  await uname();
  await useToken(await provider.robotToken());
  await provider.order("down");
  await uname();
});

Deno.test("CFG-3: after SIGHUP a running journal verifies by its new settings, and keeps the old ones when they are bad", async () => {
  await using first = await startProvider();
  await using second = await startProvider();
  await using site = await openSite();
  const journal = await site.startJournal({ issuer: first.issuer });
  await site.addPerson({ name: "ana", role: "pact-platform-admin" });
  const status = async (provider: TestProvider) => {
    const token = await provider.robotToken();
    await Deno.writeTextFile(site.tokenFileOf("ana"), token, { mode: 0o600 });
    return (await site.pact("ana", ["status", "--vcluster", "ml"])).code;
  };
  assert.deepEqual([await status(first), await status(second)], [0, 2]);

  const config = `${site.journalRoot}/etc/pact/journal.toml`;
  const text = await Deno.readTextFile(config);
  await Deno.writeTextFile(config, text.replace(first.issuer, second.issuer));
  journal.program.kill("SIGHUP");
  await journal.program.waitForOutput(/tokens are verified by the new settings/);
  assert.deepEqual([await status(first), await status(second)], [2, 0]);
  const told = await fetch(`http://${journal.metricsAddress}/auth/discovery`);
  assert.equal((await told.json()).idp_url, second.issuer, "and sends people there");

  await Deno.writeTextFile(
    config,
    `${text.replace(first.issuer, second.issuer)}\nno TOML\n`,
  );
  journal.program.kill("SIGHUP");
  await journal.program.waitForOutput(/the configuration was not taken/);
  assert.equal(await status(second), 0);
});
