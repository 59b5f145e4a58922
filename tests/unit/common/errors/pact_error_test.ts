import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  ERROR_CODES,
  type ErrorCode,
  fromConnectError,
  PactError,
  toConnectError,
} from "../../../../common/errors/mod.ts";

Deno.test("every code survives the wire with its message and trailers", () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    const sent = new PactError(code, `${code}: because`, {
      trailers: { "x-pact-leader": "m1:9443" },
    });
    const wire = toConnectError(sent, "i1");
    assert.equal(wire.code, ERROR_CODES[code]);
    const read = fromConnectError(wire);
    assert.equal(read.code, code);
    assert.equal(read.message, sent.message);
    assert.equal(read.trailers["x-pact-leader"], "m1:9443");
  }
});

Deno.test("API-10: what is no pact error leaves the process as INTERNAL with an incident id and nothing else", () => {
  const wire = toConnectError(new Error("password=hunter2 at /etc/shadow"), "i7");
  assert.equal(wire.code, Code.Internal);
  assert.equal(wire.rawMessage, "INTERNAL: incident i7");
});

Deno.test("CLI-13: without the trailer the gRPC status decides, never the words of the message", () => {
  const read = fromConnectError(new ConnectError("CONFLICT but not really", Code.Unavailable));
  assert.equal(read.code, "UNAVAILABLE");
});
