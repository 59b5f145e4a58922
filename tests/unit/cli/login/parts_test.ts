import assert from "node:assert/strict";
import { answerOf, placesToAsk, scopesToAsk } from "../../../../cli/login/mod.ts";

Deno.test("CLI-30: offline_access and groups are asked for where the provider has them", () => {
  assert.deepEqual(scopesToAsk(["openid"], ["offline_access", "groups", "email"]), [
    "openid",
    "offline_access",
    "groups",
  ]);
  assert.deepEqual(scopesToAsk(["openid", "groups"], ["groups"]), ["openid", "groups"]);
  assert.deepEqual(scopesToAsk(["openid"], undefined), ["openid"]);
});

Deno.test("CLI-23: the API is asked first, then the metrics port, over plain http only on loopback", () => {
  assert.deepEqual(placesToAsk("https://mgmt-1:9443", false), [
    "https://mgmt-1:9443",
    "https://mgmt-1:9091",
  ]);
  assert.deepEqual(placesToAsk("https://mgmt-1:9443", true), [
    "https://mgmt-1:9443",
    "https://mgmt-1:9091",
    "http://mgmt-1:9091",
  ]);
  assert.deepEqual(placesToAsk("http://127.0.0.1:9443", false), [
    "http://127.0.0.1:9443",
    "http://127.0.0.1:9091",
  ]);
});

Deno.test("CLI-28: a pasted address keeps what the provider said; a bare code stands for it", () => {
  const whole = answerOf("http://localhost:8400/callback?code=c&state=s&iss=i", "t", "issuer");
  assert.equal(whole.href, "http://localhost:8400/callback?code=c&state=s&iss=i");
  assert.equal(
    answerOf("c&state=x", "s", "https://i").href,
    "http://localhost:8400/callback?code=c%26state%3Dx&state=s&iss=https%3A%2F%2Fi",
  );
  assert.throws(() => answerOf("two words", "s", "i"), { exitCode: 1 });
  assert.throws(() => answerOf("http://", "s", "i"), { exitCode: 1 });
});
