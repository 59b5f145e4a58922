import assert from "node:assert/strict";
import { redactorFor } from "../../../../mcp/safety/mod.ts";

Deno.test("SAF-8: secrets in dumps, files and keys are hidden, the rest stays", () => {
  const redact = redactorFor(undefined);
  const dump = [
    "HOME=/home/a",
    "DB_PASSWORD=hunter2",
    "aws_secret_access_key = abc/def",
    '{"api_key": "xyz", "name": "n1"}',
    "Authorization: Bearer abc.def",
    "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----",
    "GPU 0: 42 C",
  ].join("\n");
  const shown = redact(dump);
  for (const secret of ["hunter2", "abc/def", "abc.def", "MHcCAQ"]) {
    assert.equal(shown.includes(secret), false, secret);
  }
  assert.match(shown, /HOME=\/home\/a/);
  assert.match(shown, /GPU 0: 42 C/);
});

Deno.test("SAF-8: a private key whose end was cut off is hidden too", () => {
  const shown = redactorFor(undefined)("x\n-----BEGIN PRIVATE KEY-----\nMHcCAQ");
  assert.equal(shown, "x\n***");
});

Deno.test("MCP-14: the server's own token is never shown, whatever stands around it", () => {
  assert.equal(redactorFor("tok3n")("bad value 'tok3n'"), "bad value '***'");
});
