import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { CallerTokens } from "../../../../agent/worker/caller_tokens.ts";
import { stream } from "../../../../api/mod.ts";
import type { ClosableTokenVerifier } from "../../../../common/auth/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { createLogger } from "../../../../common/log/mod.ts";
import { openTokenIssuer, type TokenIssuer } from "../../../support/identity/mod.ts";

function scene(own?: ClosableTokenVerifier) {
  const lines: string[] = [];
  const log = createLogger({
    component: "test",
    level: "debug",
    format: "text",
    nowMs: () => 0,
    write: (line) => lines.push(line),
  });
  const tokens = new CallerTokens(own, { clock: systemClock, log });
  /** The principal, or the reason of the refusal. */
  const answer = async (token: string): Promise<string> => {
    try {
      return (await tokens.verifyHeader(`Bearer ${token}`)).principal.principal;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  return { tokens, answer, lines };
}

function told(
  { url }: TokenIssuer,
  change: MessageInitShape<typeof stream.TokenIssuerSchema> = {},
): stream.TokenIssuer {
  return create(stream.TokenIssuerSchema, {
    issuer: url,
    audiences: ["pact"],
    maxTokenLifetimeSeconds: 86_400,
    jwksMaxStaleSeconds: 86_400,
    principalClaim: "sub",
    ...change,
  });
}

Deno.test("ACF-4: without settings of its own and without the journal's every token is refused", async () => {
  await using issuer = await openTokenIssuer();
  const { tokens, answer, lines } = scene();
  const token = await issuer.token({ sub: "ann" });
  assert.match(await answer(token), /agent authentication not configured/);
  assert.equal(tokens.take(undefined), false);
  assert.equal(tokens.take(create(stream.TokenIssuerSchema)), false);
  assert.match(await answer(token), /agent authentication not configured/);
  assert.equal(lines.filter((line) => /WARN .*ACF-4/.test(line)).length, 1, lines.join("\n"));
  tokens.close();
});

Deno.test("ACF-4: what the journal says counts from then on, changes with it, and ends with it", async () => {
  await using first = await openTokenIssuer();
  await using second = await openTokenIssuer();
  const { tokens, answer } = scene();
  const [ofFirst, ofSecond] = [
    await first.token({ sub: "ann" }),
    await second.token({ sub: "bob" }),
  ];
  assert.equal(tokens.take(told(first)), true);
  assert.equal(tokens.take(told(first)), false, "nothing new");
  assert.equal(await answer(ofFirst), "ann");
  assert.match(await answer(ofSecond), /no matching key|invalid issuer|bad signature/);
  assert.equal(tokens.take(told(second)), true);
  assert.match(await answer(ofFirst), /no matching key|invalid issuer|bad signature/);
  assert.equal(await answer(ofSecond), "bob");
  assert.equal(tokens.take(undefined), true);
  assert.match(await answer(ofSecond), /agent authentication not configured/);
  tokens.close();
});

Deno.test("ACF-4: settings that no journal may have open nothing", async () => {
  await using issuer = await openTokenIssuer();
  const token = await issuer.token({ sub: "ann" });
  for (
    const wrong of [
      { maxTokenLifetimeSeconds: 0 },
      { jwksUrl: "no address" },
      { principalClaim: "" },
      { audiences: [] },
      { jwksUrl: "http://idp.example/keys" },
    ]
  ) {
    const { tokens, answer } = scene();
    tokens.take(told(issuer, wrong));
    assert.notEqual(await answer(token), "ann", JSON.stringify(wrong));
    tokens.close();
  }
});

Deno.test("ACF-4: an agent with settings of its own believes those alone", async () => {
  await using issuer = await openTokenIssuer();
  const refusing = {
    verifyHeader: () => Promise.reject(new Error("by its own settings")),
    close: () => {},
  };
  const { tokens, answer, lines } = scene(refusing);
  tokens.take(undefined);
  tokens.take(told(issuer));
  assert.equal(await answer(await issuer.token()), "by its own settings");
  assert.deepEqual(lines, []);
  tokens.close();
});
