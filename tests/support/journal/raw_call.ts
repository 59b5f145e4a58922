import type { Buffer } from "node:buffer";
import type { ClientHttp2Session } from "node:http2";

/** How long a stream that answers without end is listened to. */
const OPEN_STREAM_MS = 1_000;

/** Headers and trailers of a call with any bytes as its body. */
export function rawCall(
  session: ClientHttp2Session,
  method: string,
  body: Buffer | Uint8Array,
  token?: string,
): Promise<Record<string, string>> {
  const { promise, resolve, reject } = Promise.withResolvers<Record<string, string>>();
  const stream = session.request({
    ":method": "POST",
    ":path": `/${method}`,
    "content-type": "application/grpc",
    te: "trailers",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  });
  const answer: Record<string, string> = {};
  // A subscription stays open: that it is not refused is enough.
  const timer = setTimeout(() => {
    if (method.includes("/Subscribe")) resolve({ "grpc-status": "0", ...answer });
  }, OPEN_STREAM_MS);
  const take = (headers: object) => {
    for (const [name, value] of Object.entries(headers)) answer[name] = String(value);
    if (answer["grpc-status"] !== undefined) resolve(answer);
  };
  stream.on("response", take);
  stream.on("trailers", take);
  stream.on("error", reject);
  stream.on("close", () => resolve(answer));
  stream.on("data", () => {});
  stream.end(body);
  return promise.finally(() => {
    clearTimeout(timer);
    stream.close();
  });
}

/** A message in the frame that gRPC sends it in. */
export function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(message.length + 5);
  new DataView(bytes.buffer).setUint32(1, message.length);
  bytes.set(message, 5);
  return bytes;
}
