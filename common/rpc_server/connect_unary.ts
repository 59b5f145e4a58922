/** Unary calls of the Connect protocol, JSON or protobuf, over HTTP/1.1 and HTTP/2. */

import {
  type DescMethodUnary,
  fromBinary,
  fromJson,
  type Message,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import type { UnaryResponse } from "@connectrpc/connect";
import { codeToHttpStatus, errorToJson, parseTimeout } from "@connectrpc/connect/protocol-connect";
import { readBody } from "./request_body.ts";
import type { NodeRequest, NodeResponse, UnaryProtocol } from "./unary_protocol.ts";
import { bodyUnreadable } from "./wire_error.ts";

export const jsonType = "application/json";
const protoType = "application/proto";

/** What a message is encoded in. */
export type ConnectType = typeof jsonType | typeof protoType;

const utf8 = new TextDecoder();

export const connectUnary: UnaryProtocol = {
  name: "connect",
  accepts: (request) =>
    request.method === "POST" && typeOf(request) !== undefined &&
    (request.headers["content-encoding"] ?? "identity") === "identity",
  timeoutMs: (headers) => connectTimeoutMs(headers["connect-timeout-ms"]),
  read: async (request, method, maxBytes) =>
    readConnect(typeOf(request), method, await readBody(request, maxBytes)),
  encode: (request, answer) => encodeConnect(typeOf(request), answer),
  writeAnswer: (request, response, { header, trailer }, body) => {
    response.statusCode = 200;
    response.setHeader("content-type", typeOf(request) ?? jsonType);
    header.forEach((value, name) => response.setHeader(name, value));
    trailer.forEach((value, name) => response.setHeader(`trailer-${name}`, value));
    send(response, body);
  },
  writeError: (_request, response, error) => {
    response.statusCode = codeToHttpStatus(error.code);
    response.setHeader("content-type", jsonType);
    error.metadata.forEach((value, name) => response.setHeader(name, value));
    send(response, JSON.stringify(errorToJson(error, undefined)));
  },
};

/** The deadline that a header field states. Throws ConnectError for nonsense. */
export function connectTimeoutMs(stated: unknown): number | undefined {
  if (stated === undefined || stated === null) return undefined;
  const { timeoutMs, error } = parseTimeout(String(stated), Number.MAX_SAFE_INTEGER);
  if (error !== undefined) throw error;
  return timeoutMs;
}

/** The message in a body of the given type. Throws ConnectError for one that cannot be read. */
export function readConnect(
  type: ConnectType | undefined,
  method: DescMethodUnary,
  body: Uint8Array,
): Message {
  try {
    if (type === protoType) return fromBinary(method.input, body);
    return fromJson(method.input, JSON.parse(utf8.decode(body)), { ignoreUnknownFields: true });
  } catch {
    throw bodyUnreadable();
  }
}

/** The body of an answer to a call of the given type. */
export function encodeConnect(
  type: ConnectType | undefined,
  { method, message }: UnaryResponse,
): string | Uint8Array {
  return type === protoType
    ? toBinary(method.output, message)
    : JSON.stringify(toJson(method.output, message));
}

function typeOf({ headers }: NodeRequest): ConnectType | undefined {
  return connectTypeOf(headers["content-type"]);
}

/** What a body is encoded in; undefined where it is none of the two. */
export function connectTypeOf(contentType: string | null | undefined): ConnectType | undefined {
  switch (contentType?.toLowerCase()) {
    case "application/json":
    case "application/json; charset=utf-8":
    case "application/json;charset=utf-8":
      return jsonType;
    case "application/proto":
      return protoType;
    default:
      return undefined;
  }
}

/** Headers that are set one by one and a text are sent in one write. */
function send(response: NodeResponse, body: string | Uint8Array): void {
  response.setHeader("content-length", Buffer.byteLength(body));
  response.end(body);
}
