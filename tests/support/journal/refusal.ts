import assert from "node:assert/strict";
import { ConnectError } from "@connectrpc/connect";
import { fromConnectError, PactError } from "../../../common/errors/mod.ts";

/** The error a call ends with, in pact's own form. */
export async function refusalOf(call: Promise<unknown>): Promise<PactError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ConnectError) return fromConnectError(error);
    if (error instanceof PactError) return error;
    throw error;
  }
  assert.fail("the call was answered, it should have been refused");
}

/** Every message of a stream. */
export async function all<T>(messages: AsyncIterable<T>): Promise<T[]> {
  return await Array.fromAsync(messages);
}
