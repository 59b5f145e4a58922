import assert from "node:assert/strict";
import { openTokens } from "../../../../journal/access/mod.ts";
import { loadConfig } from "../../../../journal/config/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";

const SECRET = "a secret of thirty-two bytes or more, for tests";

function settingsOf(iam: string) {
  return loadConfig({
    args: ["--single-node", "--config", "/etc/pact/journal.toml"],
    env: {},
    readFile: () => `[policy.iam]\n${iam}\n`,
  }).settings;
}

const ISSUER = `oidc_issuer = "https://idp.example/hpc"
oidc_audience = ["pact", "more"]
role_map = { "ann@example.org" = "pact-platform-admin" }
`;

Deno.test("ACF-4, AUT-13: nodes are told how tokens are verified, and never a secret", () => {
  const surroundings = { clock: systemClock, log: silentLogger };
  const tokens = openTokens(settingsOf(`${ISSUER}hmac_secret = "${SECRET}"`), surroundings);
  const told = tokens.forNodes;
  assert.equal(told?.issuer, "https://idp.example/hpc");
  assert.deepEqual(told.audiences, ["pact", "more"]);
  assert.deepEqual(told.roleMap, { "ann@example.org": "pact-platform-admin" });
  assert.deepEqual([told.jwksUrl, told.principalClaim, told.allowInsecure], ["", "sub", false]);
  const values: unknown[] = Object.values(told);
  assert.ok(!values.flat().includes(SECRET) && !JSON.stringify(values).includes(SECRET));
  tokens.close();

  const secretAlone = openTokens(settingsOf(`hmac_secret = "${SECRET}"`), surroundings);
  assert.equal(secretAlone.forNodes, undefined);
  secretAlone.close();
});

Deno.test("ACF-4, CFG-3: what nodes are told follows the settings, and stays the same while they do", () => {
  const tokens = openTokens(settingsOf(ISSUER), { clock: systemClock, log: silentLogger });
  const first = tokens.forNodes;
  tokens.reload(settingsOf(ISSUER));
  assert.equal(tokens.forNodes, first);
  tokens.reload(settingsOf(ISSUER.replace("/hpc", "/other")));
  assert.equal(tokens.forNodes?.issuer, "https://idp.example/other");
  tokens.reload(settingsOf(""));
  assert.equal(tokens.forNodes, undefined);
  tokens.close();
});
