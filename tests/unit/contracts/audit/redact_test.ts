import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_ARGUMENTS_LENGTH, redactArguments, redactSecrets } from "../../../../contracts/mod.ts";

const CASES: readonly [text: string, redacted: string][] = [
  ["password=a secret=b TOKEN=c", "password=*** secret=*** TOKEN=***"],
  ["curl -H 'Authorization: Bearer abc.def'", "curl -H 'Authorization: Bearer ***"],
  ["got eyJhbGciOi.eyJzdWIi.c2ln back", "got *** back"],
  ["-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY----- end", "*** end"],
  ["-----BEGIN CERTIFICATE REQUEST-----\nMII", "***"],
  ["token ring, secretary", "token ring, secretary"],
  ["invalid token: bad signature", "invalid token: bad signature"],
  ["--token-file=/etc/pact/token", "--token-file=/etc/pact/token"],
  ["AWS_SECRET_ACCESS_KEY=a/b PATH=/bin", "AWS_SECRET_ACCESS_KEY=*** PATH=/bin"],
  [`PGPASSWORD="p w"x psql`, "PGPASSWORD=*** psql"],
  [`password="open end`, "password=*** end"],
  [`{"api_key": "a\\"b", "node": "n1"}`, `{"api_key": ***, "node": "n1"}`],
  [`{"m":"{\\"token\\":\\"abc\\"}"}`, `{"m":"{\\"token\\":***}"}`],
  ["mysql --password hunter2 -e x", "mysql --password *** -e x"],
  ["git clone https://bo:hunter2@host/x", "git clone https://bo:***@host/x"],
  ["Authorization: Basic Ym86aHVudGVyMg==", "Authorization: Basic ***"],
  ["-----BEGIN PGP PRIVATE KEY BLOCK-----\nab", "***"],
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

/** A secret no carrier's own words contain. */
const secrets = fc.stringMatching(/^[A-Za-z0-9+/_.~!@%-]{3,40}$/).map((text) => `Q${text}7x`);
const names = fc.constantFrom(
  ...["password", "PASSWORD", "db_passwd", "passphrase", "client_secret", "token", "X-Auth-Token"],
  ...["credential", "private_key", "api-key", "AWS_SECRET_ACCESS_KEY", "refresh_token"],
);
const around = fc.constantFrom("", " ", "a=b ", "mount -o rw,", "x\n", "{", "--verbose ");

/** Ways in which a secret gets into a text. */
const CARRIERS: readonly ((name: string, secret: string) => string)[] = [
  (name, secret) => `${name}=${secret}`,
  (name, secret) => `${name}='${secret} ${secret}'`,
  (name, secret) => JSON.stringify({ [name]: secret, node: "n1" }),
  (name, secret) => JSON.stringify({ text: JSON.stringify({ [name]: secret }) }),
  (name, secret) => ` --${name} ${secret}`,
  (_name, secret) => `Authorization: Bearer ${secret}`,
  (_name, secret) => `-----BEGIN RSA PRIVATE KEY-----\n${secret}\n${secret}\n`,
];

Deno.test("AUT-13: a secret that is planted where secrets stand never comes out again", () => {
  fc.assert(
    fc.property(
      ...[names, secrets, around, around, fc.constantFrom(...CARRIERS)] as const,
      (name, secret, before, after, carrier) => {
        const shown = redactSecrets(`${before}${carrier(name, secret)} ${after}`);
        assert.equal(shown.includes(secret), false, shown);
      },
    ),
    { numRuns: 2_000 },
  );
});

Deno.test("AUT-13: an option's secret never comes out of arguments, however they are split", () => {
  fc.assert(fc.property(names, secrets, fc.boolean(), (name, secret, isJoined) => {
    const option = isJoined ? [`--${name}=${secret}`] : [`--${name}`, secret];
    assert.equal(redactArguments(["run", ...option, "-v"]).includes(secret), false);
    assert.equal(
      redactArguments(["-H", "Authorization:", "Bearer", secret]).includes(secret),
      false,
    );
  }));
});

Deno.test("redaction takes time in proportion to the text, whatever it is made of", () => {
  const hostile = ["password", "token=", '"token"', "--token ", "a-", "https://", "eyJ", '"', "\\"]
    .map((piece) => piece.repeat(Math.ceil(65_536 / piece.length)));
  for (const text of hostile) {
    // The fastest of three: beside other programs each may take longer.
    const tookMs = Math.min(...[1, 2, 3].map(() => {
      const startMs = performance.now();
      redactSecrets(text);
      return performance.now() - startMs;
    }));
    assert.ok(tookMs < 1_000, `${text.slice(0, 8)}...: ${tookMs} ms`);
  }
});
