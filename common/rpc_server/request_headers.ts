import type { Http2ServerRequest } from "node:http2";
import type { IncomingMessage } from "node:http";

/** The header fields of a request, without those of HTTP/2 itself. */
export function headersOf({ headers }: Http2ServerRequest | IncomingMessage): Headers {
  const fields = new Headers();
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || name.startsWith(":")) continue;
    if (typeof value === "string") fields.append(name, value);
    else value.forEach((each) => fields.append(name, each));
  }
  return fields;
}
