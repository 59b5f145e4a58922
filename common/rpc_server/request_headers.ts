import type { Http2ServerRequest } from "node:http2";
import type { IncomingMessage } from "node:http";
import { HeaderFields } from "./header_fields.ts";

/** Fields that are of the transfer alone; a field costs as much as a step of the handler. */
export const transferFields = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "host",
  "te",
  "transfer-encoding",
]);

/** The header fields of a request, without those that only concern its transfer. */
export function headersOf({ headers }: Http2ServerRequest | IncomingMessage): Headers {
  const fields = new HeaderFields();
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || name.startsWith(":") || transferFields.has(name)) continue;
    fields.put(name, typeof value === "string" ? value : value.join(", "));
  }
  return fields;
}
