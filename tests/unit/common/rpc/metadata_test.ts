import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import {
  callHeaders,
  metadata,
  readBearerToken,
  readConsistency,
  readFreeText,
  readMinSequence,
  readRequestId,
} from "../../../../common/rpc/mod.ts";

const header = (key: keyof typeof metadata, value: string) =>
  new Headers({ [metadata[key]]: value });

Deno.test("API-2: the bearer scheme is compared without case and everything else is no token", () => {
  for (const scheme of ["Bearer", "bearer", "BEARER"]) {
    assert.equal(readBearerToken(header("authorization", `${scheme} abc.def`)), "abc.def");
  }
  for (const value of ["Bearer", "Basic abc", "abc", "Bearer a b"]) {
    assert.equal(readBearerToken(header("authorization", value)), undefined, value);
  }
  assert.equal(readBearerToken(new Headers()), undefined);
});

Deno.test("API-2: a request id is 1 to 128 printable characters", () => {
  assert.equal(readRequestId(new Headers()), undefined);
  assert.equal(readRequestId(header("requestId", "r-1")), "r-1");
  assert.equal(readRequestId(header("requestId", "x".repeat(128))), "x".repeat(128));
  for (const bad of ["", "x".repeat(129), "a\tb", "é"]) {
    assert.throws(() => readRequestId(header("requestId", bad)), isInvalidArgument, bad);
  }
});

Deno.test("API-2: consistency is local unless linearizable is asked for", () => {
  assert.equal(readConsistency(new Headers()), "local");
  assert.equal(readConsistency(header("consistency", "linearizable")), "linearizable");
  assert.throws(() => readConsistency(header("consistency", "strong")), isInvalidArgument);
});

Deno.test("API-2: the minimum sequence is a decimal number of 64 bits", () => {
  assert.equal(readMinSequence(new Headers()), undefined);
  assert.equal(readMinSequence(header("minSequence", "18446744073709551615")), 2n ** 64n - 1n);
  for (const bad of ["-1", "1.5", "0x10", "18446744073709551616", ""]) {
    assert.throws(() => readMinSequence(header("minSequence", bad)), isInvalidArgument, bad);
  }
});

Deno.test("API-2: what a caller says about a call becomes headers, and reads back", () => {
  const sent = callHeaders({
    requestId: "r-1",
    consistency: "linearizable",
    minSequence: 7n,
    reason: "naïve\nfix",
  });
  assert.equal(readRequestId(sent), "r-1");
  assert.equal(readConsistency(sent), "linearizable");
  assert.equal(readMinSequence(sent), 7n);
  assert.equal(readFreeText(sent, "reason"), "na?ve?fix");
  assert.equal(readFreeText(sent, "client"), "");
});

function isInvalidArgument(error: unknown): boolean {
  return error instanceof ConnectError && error.code === Code.InvalidArgument &&
    error.metadata.get(metadata.error) === "INVALID_ARGUMENT";
}
