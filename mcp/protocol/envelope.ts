import {
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
  ProtocolErrorCode,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import type { InputLine } from "./lines.ts";

/** An answer to what is no valid request. The protocol wants id null where none could be read. */
export interface Refusal {
  readonly jsonrpc: "2.0";
  readonly id: string | number | null;
  readonly error: { readonly code: number; readonly message: string };
}

/** What a line turns out to be. */
export type Envelope =
  | { readonly kind: "message"; readonly message: JSONRPCMessage }
  | { readonly kind: "refusal"; readonly refusal: Refusal }
  | { readonly kind: "nothing" };

const IdSchema = z.union([z.string().max(1024), z.number()]);

const RequestSchema = z.object({
  jsonrpc: z.literal("2.0"),
  id: IdSchema.optional(),
  method: z.string().max(256),
  params: z.unknown().optional(),
});

const ParamsSchema = z.record(z.string(), z.unknown()).optional();

const ResponseSchema = z.looseObject({
  jsonrpc: z.literal("2.0"),
  id: IdSchema,
  method: z.undefined().optional(),
}).refine((message) => "result" in message || "error" in message);

const ToolCallSchema = z.object({
  name: z.string(),
  arguments: z.record(z.string(), z.unknown()).optional(),
});

const nothing: Envelope = { kind: "nothing" };

/**
 * Reads one line of the protocol: a request or a notification for the server, an error to send back,
 * or nothing to do (MCP-2, MCP-4, MCP-6).
 */
export function readEnvelope(line: InputLine): Envelope {
  if (!("text" in line)) return refusal(null, invalidRequest, "message too long");
  if (line.text.trim() === "") return nothing;
  let json: unknown;
  try {
    json = JSON.parse(line.text);
  } catch {
    return refusal(null, ProtocolErrorCode.ParseError, "parse error");
  }
  // Nothing is ever asked of the client, so no answer of it can be meant.
  if (ResponseSchema.safeParse(json).success) return nothing;
  const parsed = RequestSchema.safeParse(json);
  if (!parsed.success) return refusal(idOf(json), invalidRequest, "invalid request");
  const { id, method } = parsed.data;
  const params = ParamsSchema.safeParse(parsed.data.params);
  // A message without id is a notification and gets no answer, whatever is wrong with it (MCP-4).
  if (id === undefined || method.startsWith("notifications/")) {
    return params.success ? notification(method, params.data) : nothing;
  }
  if (method === "tools/call") {
    const call = ToolCallSchema.safeParse(parsed.data.params);
    if (!call.success) return invalidParams(id, "invalid tool call params", call.error);
  }
  if (!params.success) return invalidParams(id, "invalid params", params.error);
  return { kind: "message", message: request(id, method, params.data) };
}

type Params = z.infer<typeof ParamsSchema>;

function request(id: string | number, method: string, params: Params): JSONRPCRequest {
  return { jsonrpc: "2.0", id, method, ...(params === undefined ? {} : { params }) };
}

function notification(method: string, params: Params): Envelope {
  if (!method.startsWith("notifications/")) return nothing;
  const message: JSONRPCNotification = {
    jsonrpc: "2.0",
    method,
    ...(params === undefined ? {} : { params }),
  };
  return { kind: "message", message };
}

const invalidRequest = ProtocolErrorCode.InvalidRequest;

function refusal(id: Refusal["id"], code: number, message: string): Envelope {
  return { kind: "refusal", refusal: { jsonrpc: "2.0", id, error: { code, message } } };
}

function invalidParams(id: Refusal["id"], what: string, error: z.ZodError): Envelope {
  const [issue] = error.issues;
  const place = issue?.path.map(String).join(".") ?? "";
  const problem = issue?.message ?? "not valid";
  const text = `${what}: ${place === "" ? problem : `${place}: ${problem}`}`;
  return refusal(id, ProtocolErrorCode.InvalidParams, text);
}

function idOf(json: unknown): Refusal["id"] {
  const parsed = z.object({ id: IdSchema }).safeParse(json);
  return parsed.success ? parsed.data.id : null;
}
