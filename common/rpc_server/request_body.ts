import type { Http2ServerRequest } from "node:http2";
import type { IncomingMessage } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";

/**
 * The whole body of a request.
 *
 * @throws ConnectError ResourceExhausted when it is larger than `maxBytes`, before the rest of it is
 * read; Canceled when its sender goes before the end.
 */
export function readBody(
  request: Http2ServerRequest | IncomingMessage,
  maxBytes: number,
): Promise<Uint8Array> {
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > maxBytes) return Promise.reject(tooLarge(declared, maxBytes));
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const chunks: Uint8Array[] = [];
  let length = 0;
  request.on("data", (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > maxBytes) {
      chunks.length = 0;
      reject(tooLarge(length, maxBytes));
    } else {
      chunks.push(chunk);
    }
  });
  request.on("end", () => {
    const [only] = chunks;
    resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks));
  });
  const onGone = () => reject(new ConnectError("the request ended early", Code.Canceled));
  request.on("error", onGone);
  request.on("aborted", onGone);
  return promise;
}

function tooLarge(bytes: number, maxBytes: number): ConnectError {
  return new ConnectError(
    `message size ${bytes} is larger than configured readMaxBytes ${maxBytes}`,
    Code.ResourceExhausted,
  );
}
