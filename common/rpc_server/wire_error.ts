import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { metadata } from "../rpc/mod.ts";

/**
 * Gives the errors that the protocol layer itself raises, past every interceptor, the form of ours:
 * a stable code in the trailer (section 1.2), and no detail of a body that cannot be parsed (API-92).
 * Messages of all errors are put in the encoding that every gRPC client reads.
 */
export function withStableErrors(answer: UniversalServerResponse): UniversalServerResponse {
  const { body, trailer } = answer;
  if (trailer === undefined) return answer;
  if (body === undefined) {
    stabilise(trailer);
    return answer;
  }
  // The trailer is complete when the body has ended.
  return { ...answer, body: thenStabilise(body, trailer) };
}

async function* thenStabilise(
  body: AsyncIterable<Uint8Array>,
  trailer: Headers,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* body;
  stabilise(trailer);
}

/** Codes for the statuses that the protocol layer raises. */
const codeOfStatus: Readonly<Record<string, string>> = {
  "3": "INVALID_ARGUMENT",
  "4": "DEADLINE",
  "8": "RESOURCE_EXHAUSTED",
  "12": "UNIMPLEMENTED",
  "13": "INTERNAL",
};
const invalidArgument = "3";
const unreadableBody = "INVALID_ARGUMENT: the body cannot be read";

/** The error of a body that cannot be parsed; what is wrong with it stays here (API-92). */
export function bodyUnreadable(): ConnectError {
  return new ConnectError(unreadableBody, Code.InvalidArgument, {
    [metadata.error]: "INVALID_ARGUMENT",
  });
}

/** The same error with a stable code, which it gets from its status where it has none yet. */
export function withStableCode(error: ConnectError): ConnectError {
  const code = codeOfStatus[`${error.code}`];
  if (code === undefined || error.metadata.has(metadata.error)) return error;
  return new ConnectError(`${code}: ${error.rawMessage}`, error.code, { [metadata.error]: code });
}

/** The trailers by which gRPC tells of an error. */
export function grpcStatusOf({ code, rawMessage, metadata }: ConnectError): Headers {
  const trailer = new Headers(metadata);
  trailer.set("grpc-status", `${code}`);
  trailer.set("grpc-message", percentEncode(rawMessage));
  return trailer;
}

function stabilise(trailer: Headers): void {
  const status = trailer.get("grpc-status") ?? "0";
  if (status === "0") return;
  const message = decodeURIComponent(trailer.get("grpc-message") ?? "");
  const code = codeOfStatus[status];
  if (code === undefined || trailer.has(metadata.error)) {
    trailer.set("grpc-message", percentEncode(message));
  } else if (message.startsWith("parse ")) {
    trailer.set("grpc-status", invalidArgument);
    trailer.set("grpc-message", unreadableBody);
    trailer.set(metadata.error, "INVALID_ARGUMENT");
    trailer.delete("grpc-status-details-bin");
  } else {
    trailer.set(metadata.error, code);
    trailer.set("grpc-message", percentEncode(`${code}: ${message}`));
  }
}

/**
 * The encoding of status messages in gRPC over HTTP/2: everything but printable ASCII, and `%`
 * itself. Connect encodes punctuation too, which some clients show as it is.
 */
function percentEncode(message: string): string {
  return message.replace(/[^\x20-\x24\x26-\x7e]+/gu, encodeURIComponent);
}
