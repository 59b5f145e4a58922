import assert from "node:assert/strict";
import { MAX_ARGUMENTS_LENGTH, redactArguments, redactSecrets } from "../../../../contracts/mod.ts";

const CASES: readonly [text: string, redacted: string][] = [
  ["password=a secret=b TOKEN=c", "password=*** secret=*** TOKEN=***"],
  ["curl -H 'Authorization: Bearer abc.def'", "curl -H 'Authorization: Bearer ***"],
  ["got eyJhbGciOi.eyJzdWIi.c2ln back", "got *** back"],
  ["-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY----- end", "*** end"],
  ["-----BEGIN CERTIFICATE REQUEST-----\nMII", "***"],
  ["token ring, secretary", "token ring, secretary"],
];

for (const [text, redacted] of CASES) {
  Deno.test(`AE-4: ${JSON.stringify(text)} is stored as ${JSON.stringify(redacted)}`, () => {
    assert.equal(redactSecrets(text), redacted);
  });
}

Deno.test("AE-4: the value after a secret's option is redacted too", () => {
  assert.equal(redactArguments(["login", "--password", "p w", "-v"]), "login --password *** -v");
  assert.equal(redactArguments(["x", "--token=abc", "y"]), "x --token=*** y");
});

Deno.test("AE-4, AE-5: arguments are cleaned and capped at 2048 characters", () => {
  assert.equal(redactArguments(["a\nb"]), "a?b");
  assert.equal(redactArguments(["x".repeat(5000)]).length, MAX_ARGUMENTS_LENGTH);
});
