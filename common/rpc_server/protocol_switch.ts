/** Which protocol a connection speaks: said by ALPN where there is TLS, seen from its first bytes otherwise. */

import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/** Where connections go, by protocol. */
export interface Engines {
  http2: (socket: Socket) => void;
  http1: (socket: Socket) => void;
}

/** What else a TLS listener speaks, by the names of ALPN. */
export type OtherProtocols = ReadonlyMap<string, (socket: Socket) => void>;

/** What a TLS listener offers, the preferred one first. */
export function alpnProtocols(others: OtherProtocols): string[] {
  return [...others.keys(), "h2", "http/1.1"];
}

/** A client that names no protocol speaks HTTP/1.1 (RFC 7301 section 3.2, RFC 9113 section 3.2). */
export function routeByAlpn(socket: TLSSocket, engines: Engines, others: OtherProtocols): void {
  const other = others.get(socket.alpnProtocol || "");
  if (other !== undefined) other(socket);
  else if (socket.alpnProtocol === "h2") engines.http2(socket);
  else engines.http1(socket);
}

/** First bytes of an HTTP/2 connection (RFC 9113 section 3.4); no HTTP/1.1 method begins like this. */
const prefaceStart = new TextEncoder().encode("PRI");

/** How long a cleartext connection may stay silent before its first byte. */
const firstByteTimeoutMs = 10_000;

/**
 * Looks at the first bytes of cleartext connections. Owns those that have not said enough yet; they
 * end by themselves after ten silent seconds, or all at once with `endWaiting`.
 */
export class PrefaceSwitch {
  readonly #waiting = new Set<Socket>();

  constructor(private readonly engines: Engines) {}

  take(socket: Socket): void {
    this.#waiting.add(socket);
    let seen: Uint8Array = new Uint8Array();
    const onSilence = () => void socket.destroy();
    const onData = (chunk: Uint8Array) => {
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      const isHttp2 = startsLikeHttp2(seen);
      if (isHttp2 === undefined) return;
      socket.off("data", onData);
      socket.off("timeout", onSilence);
      socket.setTimeout(0);
      this.#waiting.delete(socket);
      if (isHttp2) this.engines.http2(socket);
      else this.engines.http1(socket);
      // The engine listens by now. Putting the bytes back with unshift would show them twice to
      // HTTP/2, which reads the buffer and hears of its bytes too.
      socket.emit("data", seen);
    };
    socket.on("data", onData);
    socket.on("timeout", onSilence);
    socket.setTimeout(firstByteTimeoutMs);
    socket.once("close", () => this.#waiting.delete(socket));
  }

  endWaiting(): void {
    for (const socket of this.#waiting) socket.destroy();
  }
}

/** Undefined while the bytes are too few to tell. */
function startsLikeHttp2(bytes: Uint8Array): boolean | undefined {
  const compared = Math.min(bytes.length, prefaceStart.length);
  for (let index = 0; index < compared; index++) {
    if (bytes[index] !== prefaceStart[index]) return false;
  }
  return compared === prefaceStart.length ? true : undefined;
}
