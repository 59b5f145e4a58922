import { Code, ConnectError } from "@connectrpc/connect";
import type { NodeRequest } from "./unary_protocol.ts";

/** Bytes of framing around the message that do not count against its limit. */
const framingMaxBytes = 5;

/**
 * The whole body of a request. `statedLength` reads from its beginning how long the message is, where
 * that is written there.
 *
 * @throws ConnectError ResourceExhausted when the message is larger than `maxBytes`, as soon as that
 * is known; Canceled when its sender goes before the end.
 */
export function readBody(
  request: NodeRequest,
  maxBytes: number,
  statedLength: (beginning: Uint8Array) => number = () => 0,
): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isRefused = false;
  const refuse = (bytes: number) => {
    isRefused = true;
    chunks.length = 0;
    reject(tooLarge(bytes, maxBytes));
  };
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > maxBytes + framingMaxBytes) {
    refuse(declared);
    return promise;
  }
  request.on("data", (chunk: Uint8Array) => {
    if (isRefused) return;
    const isFirst = length === 0;
    length += chunk.length;
    const stated = isFirst ? statedLength(chunk) : 0;
    if (stated > maxBytes) refuse(stated);
    else if (length > maxBytes + framingMaxBytes) refuse(length);
    else chunks.push(chunk);
  });
  request.on("end", () => {
    if (!isRefused) resolve(joined(chunks, length));
  });
  const onGone = () => reject(new ConnectError("the request ended early", Code.Canceled));
  request.on("error", onGone);
  request.on("aborted", onGone);
  return promise;
}

/** @throws ConnectError ResourceExhausted for a body whose message is larger than `maxBytes` */
export function requireSize(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes + framingMaxBytes) throw tooLarge(bytes, maxBytes);
}

/** A copy: a chunk is a view of a larger buffer, which a field of the message would keep alive. */
function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

function tooLarge(bytes: number, maxBytes: number): ConnectError {
  return new ConnectError(
    `message size ${bytes} is larger than configured readMaxBytes ${maxBytes}`,
    Code.ResourceExhausted,
  );
}
