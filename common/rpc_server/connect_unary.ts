/** Unary calls of the Connect protocol, JSON or protobuf, over HTTP/1.1 and HTTP/2. */

import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { codeToHttpStatus, errorToJson, parseTimeout } from "@connectrpc/connect/protocol-connect";
import { readBody } from "./request_body.ts";
import type { NodeRequest, NodeResponse, UnaryProtocol } from "./unary_protocol.ts";
import { bodyUnreadable } from "./wire_error.ts";

const jsonType = "application/json";
const protoType = "application/proto";

export const connectUnary: UnaryProtocol = {
  name: "connect",
  accepts: (request) =>
    request.method === "POST" && typeOf(request) !== undefined &&
    (request.headers["content-encoding"] ?? "identity") === "identity",
  timeoutMs: (headers) => {
    const stated = headers["connect-timeout-ms"];
    if (stated === undefined) return undefined;
    const { timeoutMs, error } = parseTimeout(String(stated), Number.MAX_SAFE_INTEGER);
    if (error !== undefined) throw error;
    return timeoutMs;
  },
  read: async (request, method, maxBytes) => {
    const body = await readBody(request, maxBytes);
    try {
      if (typeOf(request) === protoType) return fromBinary(method.input, body);
      const json = JSON.parse(new TextDecoder().decode(body));
      return fromJson(method.input, json, { ignoreUnknownFields: true });
    } catch {
      throw bodyUnreadable();
    }
  },
  encode: (request, { method, message }) =>
    typeOf(request) === protoType
      ? toBinary(method.output, message)
      : JSON.stringify(toJson(method.output, message)),
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

function typeOf({ headers }: NodeRequest): typeof jsonType | typeof protoType | undefined {
  switch (headers["content-type"]?.toLowerCase()) {
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
