import { HeaderFields } from "./header_fields.ts";
import { transferFields } from "./request_headers.ts";

/** A POST that lay in one piece of what a connection brought, and nothing beside it. */
export class WholeRequest {
  constructor(
    readonly target: string,
    /** Without those of the transfer alone. */
    readonly header: HeaderFields,
    /** A view of the piece. */
    readonly body: Uint8Array,
  ) {}
}

/** Longest head that is looked at; node:http judges what is longer. */
const HEAD_MAX_BYTES = 32 * 1024;
const FIELDS_MAX = 100;

/** A head up to its empty line, in characters that nobody reads differently. */
const HEAD = /POST \/[A-Za-z0-9._/]+ HTTP\/1\.1\r\n(?:[A-Za-z0-9-]+:[\x20-\x7e]*\r\n)+\r\n/y;
const TARGET_AT = "POST ".length;

/** Fields by which a request is another one than its bytes show, or asks more than an answer. */
const MORE_THAN_A_CALL = new Set([
  "content-encoding",
  "expect",
  "http2-settings",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Reads an HTTP/1.1 request that came in one piece, as callers of short calls send theirs. Undefined
 * for whatever leaves a doubt where it ends or what it says: a piece with less or more than one
 * request, a name that comes twice, a field that changes how the rest is read. None of it is refused
 * here, that is node:http's affair; what is taken here node:http would read the same.
 */
export function readWholeRequest(piece: Buffer): WholeRequest | undefined {
  const text = piece.toString("latin1", 0, HEAD_MAX_BYTES);
  HEAD.lastIndex = 0;
  if (!HEAD.test(text)) return undefined;
  const bodyStart = HEAD.lastIndex;
  const fieldsStart = text.indexOf("\r\n") + 2;
  const header = new HeaderFields();
  const length = readFields(text, fieldsStart, bodyStart - 2, header);
  if (length !== piece.length - bodyStart) return undefined;
  const target = text.slice(TARGET_AT, text.indexOf(" ", TARGET_AT));
  return new WholeRequest(target, header, piece.subarray(bodyStart));
}

/**
 * Reads the lines of fields from `start` up to `end` into `header`. The length that they give the
 * body; undefined where they leave doubt.
 */
function readFields(
  text: string,
  start: number,
  end: number,
  header: HeaderFields,
): number | undefined {
  let count = 0;
  let length: number | undefined;
  let hasHost = false;
  let lineEnd: number;
  for (let at = start; at < end; at = lineEnd + 2) {
    const colon = text.indexOf(":", at);
    lineEnd = text.indexOf("\r\n", colon);
    const name = text.slice(at, colon).toLowerCase();
    const value = text.slice(colon + 1, lineEnd).trim();
    if (++count > FIELDS_MAX || MORE_THAN_A_CALL.has(name)) return undefined;
    if (!transferFields.has(name)) {
      if (header.has(name)) return undefined;
      header.put(name, value);
    } else if (name === "host") {
      if (hasHost) return undefined;
      hasHost = true;
    } else if (name === "content-length") {
      if (length !== undefined || !/^\d{1,9}$/.test(value)) return undefined;
      length = Number(value);
    } else if (name === "connection" && value.toLowerCase() !== "keep-alive") return undefined;
  }
  return hasHost ? length : undefined;
}
