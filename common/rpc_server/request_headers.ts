import type { Http2ServerRequest } from "node:http2";
import type { IncomingMessage } from "node:http";

/** Fields that are of the transfer alone; a field costs as much as a step of the handler. */
const transferFields = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "host",
  "te",
  "transfer-encoding",
]);

/** The header fields of a request, without those that only concern its transfer. */
export function headersOf({ headers }: Http2ServerRequest | IncomingMessage): Headers {
  const fields = new Headers();
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || name.startsWith(":") || transferFields.has(name)) continue;
    if (typeof value === "string") fields.append(name, value);
    else value.forEach((each) => fields.append(name, each));
  }
  return fields;
}
