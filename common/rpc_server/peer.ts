import type { Http2ServerRequest, ServerHttp2Session } from "node:http2";
import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { type ContextKey, createContextKey } from "@connectrpc/connect";
import type { Clock } from "../clock/mod.ts";
import {
  type DistrustReason,
  type JudgedPeer,
  parsePeerCertificate,
  type PeerCertificate,
  type PeerTrust,
} from "../certificate/mod.ts";
import type { Connection } from "./sessions.ts";

/** What is known of a caller from its connection alone. */
export interface Peer {
  remoteAddress: string;
  remotePort: number;
  /** Whether the connection is TLS. */
  encrypted: boolean;
  /** The certificate the caller holds the key of; says nothing about trust by itself. */
  certificate?: PeerCertificate;
  /**
   * Whether the certificate is valid now and leads to the trust bundle in force now, not to the one
   * at the time of the handshake. Revocation is for the handler to check by serial (CRT-6).
   */
  authorized: boolean;
  /** Why a presented certificate is not authorized. */
  distrust?: DistrustReason;
}

/** The caller of a handler: `context.values.get(peerKey)`. */
export const peerKey: ContextKey<Peer> = createContextKey<Peer>(
  { remoteAddress: "", remotePort: 0, encrypted: false, authorized: false },
  { description: "peer of the connection" },
);

interface KnownConnection {
  facts: Omit<Peer, "authorized" | "distrust">;
  malformed: boolean;
  /** What the handshake found of the certificate, and when that was. */
  handshake: Handshake;
  /** What a trust made of the certificate; another trust drops it at once. */
  checked?: { trust: PeerTrust; judged: JudgedPeer };
}

interface Handshake {
  isVerified: boolean;
  endedAtMs: number;
}

/** Most certificates of a chain that are read. */
const intermediatesMax = 8;

/** A handshake takes no longer than this (`handshakeTimeout` of the listener). */
const handshakeMaxMs = 10_000;

/** Reads and remembers the peers of one listener's connections. */
export class PeerDirectory {
  readonly #known = new WeakMap<object, KnownConnection>();
  #trust: PeerTrust | undefined;
  /** Handshakes that ended after this have met no other CAs than those in force. */
  #trustAloneSinceMs = -Infinity;

  constructor(private readonly clock: Clock) {}

  /** Puts other CAs in force, for live connections too. */
  setTrust(trust: PeerTrust | undefined): void {
    const isFirst = this.#trust === undefined;
    this.#trust = trust;
    if (!isFirst) this.#trustAloneSinceMs = this.clock.monotonicMs() + handshakeMaxMs;
  }

  /** Takes note of a connection whose handshake has just ended. */
  connected(connection: Socket | Pick<ServerHttp2Session, "socket">): void {
    const socket = connection instanceof Socket ? connection : connection.socket;
    this.#known.set(connection, readConnection(socket, this.clock.monotonicMs()));
  }

  /** The peer behind a request. */
  ofRequest(request: Http2ServerRequest | IncomingMessage): Peer {
    const session = "stream" in request ? request.stream.session : undefined;
    return session === undefined
      ? this.#describe(request.socket, request.socket)
      : this.ofSession(session);
  }

  /** The peer behind an HTTP/2 session. */
  ofSession(session: Pick<ServerHttp2Session, "socket">): Peer {
    return this.#describe(session, session.socket);
  }

  /** The peer behind a live connection of either protocol. */
  ofConnection(connection: Connection): Peer {
    return connection instanceof Socket
      ? this.#describe(connection, connection)
      : this.ofSession(connection);
  }

  #describe(connection: object, socket: Socket | TLSSocket): Peer {
    let known = this.#known.get(connection);
    if (known === undefined) {
      known = readConnection(socket, -Infinity);
      this.#known.set(connection, known);
    }
    if (known.malformed) {
      return { ...known.facts, authorized: false, distrust: "malformed certificate" };
    }
    const { certificate } = known.facts;
    if (certificate === undefined) return { ...known.facts, authorized: false };
    const judged = this.#judge(certificate, known, socket);
    if (judged === undefined) {
      const distrust = "not issued by a CA of the trust bundle";
      return { ...known.facts, authorized: false, distrust };
    }
    const verdict = judged.chain.verdictAt("client", new Date(this.clock.nowMs()));
    return {
      ...known.facts,
      certificate: judged.certificate,
      authorized: verdict.trusted,
      ...(verdict.trusted ? {} : { distrust: verdict.reason }),
    };
  }

  #judge(
    certificate: PeerCertificate,
    known: KnownConnection,
    socket: Socket | TLSSocket,
  ): JudgedPeer | undefined {
    const trust = this.#trust;
    if (trust === undefined) return undefined;
    if (known.checked?.trust !== trust) {
      const isSignatureKnown = known.handshake.isVerified &&
        known.handshake.endedAtMs > this.#trustAloneSinceMs;
      const intermediates = () => isTls(socket) ? presentedIntermediates(socket) : [];
      known.checked = {
        trust,
        judged: trust.judge(certificate, { isSignatureKnown, intermediates }),
      };
    }
    return known.checked.judged;
  }
}

function readConnection(socket: Socket | TLSSocket, handshakeEndedAtMs: number): KnownConnection {
  const address = {
    remoteAddress: socket.remoteAddress ?? "",
    remotePort: socket.remotePort ?? 0,
  };
  const handshake = { isVerified: false, endedAtMs: handshakeEndedAtMs };
  if (!isTls(socket)) {
    return { facts: { ...address, encrypted: false }, malformed: false, handshake };
  }
  const facts = { ...address, encrypted: true };
  const der = socket.getPeerCertificate(false)?.raw;
  if (der === undefined) return { facts, malformed: false, handshake };
  // A resumed session repeats the verdict of its first handshake, whatever bundle that met.
  handshake.isVerified = socket.authorized && !socket.isSessionReused();
  try {
    const certificate = parsePeerCertificate(der);
    return { facts: { ...facts, certificate }, malformed: false, handshake };
  } catch {
    return { facts, malformed: true, handshake };
  }
}

/** The CAs that a client presented with its certificate, up to the one that is its own issuer. */
function presentedIntermediates(socket: TLSSocket): Uint8Array[] {
  const presented: Uint8Array[] = [];
  let current = socket.getPeerCertificate(true)?.issuerCertificate;
  // Ends at the root, which the runtime names as its own issuer, or after as many as are looked at.
  while (current !== undefined && presented.length < intermediatesMax) {
    presented.push(current.raw);
    if (current.issuerCertificate === current) break;
    current = current.issuerCertificate;
  }
  return presented;
}

/** The socket of an HTTP/2 session is a proxy, so neither `instanceof` nor `in` can be asked. */
function isTls(socket: Socket | TLSSocket): socket is TLSSocket {
  return typeof Reflect.get(socket, "getPeerCertificate") === "function";
}
