/** Unary calls of gRPC with protobuf, over HTTP/2. */

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { parseTimeout } from "@connectrpc/connect/protocol-grpc";
import { framed, messageInFrame, statedLength } from "./grpc_frame.ts";
import { readBody } from "./request_body.ts";
import type { NodeResponse, UnaryProtocol } from "./unary_protocol.ts";
import { bodyUnreadable, grpcStatusOf } from "./wire_error.ts";

export const grpcUnary: UnaryProtocol = {
  name: "grpc",
  accepts: ({ method, headers, httpVersionMajor }) =>
    method === "POST" && httpVersionMajor === 2 && isGrpc(headers["content-type"]) &&
    (headers["grpc-encoding"] ?? "identity") === "identity",
  timeoutMs: (headers) => {
    const stated = headers["grpc-timeout"];
    if (stated === undefined) return undefined;
    const { timeoutMs, error } = parseTimeout(String(stated), Number.MAX_SAFE_INTEGER);
    if (error !== undefined) throw error;
    return timeoutMs;
  },
  read: async (request, method, maxBytes) => {
    const bytes = messageInFrame(await readBody(request, maxBytes, statedLength));
    try {
      return fromBinary(method.input, bytes);
    } catch {
      throw bodyUnreadable();
    }
  },
  encode: (_request, { method, message }) => framed(toBinary(method.output, message)),
  writeAnswer: ({ headers }, response, { header, trailer }, body) => {
    begin(response, headers["content-type"]);
    header.forEach((value, name) => response.setHeader(name, value));
    trailer.set("grpc-status", "0");
    response.addTrailers(Object.fromEntries(trailer));
    response.end(body);
  },
  writeError: ({ headers }, response, error) => {
    begin(response, headers["content-type"]);
    // Without a message the trailers travel as headers, in one frame (gRPC's Trailers-Only).
    grpcStatusOf(error).forEach((value, name) => response.setHeader(name, value));
    response.end();
  },
};

function begin(response: NodeResponse, contentType: string | undefined): void {
  response.statusCode = 200;
  response.setHeader("content-type", contentType ?? "application/grpc+proto");
}

function isGrpc(contentType: string | undefined): boolean {
  return contentType === "application/grpc" || contentType === "application/grpc+proto";
}
