import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type PeerCertificate, TLSSocket } from "node:tls";
import { systemClock } from "../clock/mod.ts";
import type { SecretPem } from "../secret/mod.ts";

/** How to reach and to recognise the server. */
export interface SocketOptions {
  /** CAs to trust; the system's where absent. */
  caPem?: string;
  certPem?: string;
  keyPem?: SecretPem;
  /** The name the server's certificate must carry, where it is not the dialled host. */
  serverName?: string;
  /**
   * Looks at the certificate of a server that is trusted so far, before the first call: why it is
   * not the one to speak with, or undefined.
   */
  refuseServer?: (certificateDer: Uint8Array) => string | undefined;
  /**
   * Speaks with whoever answers, without knowing who that is: for the first use of a journal by a node
   * that was given no CA, which looks at the certificate itself (CRT-10).
   */
  trustsAnyServer?: boolean;
  /** A unix socket to connect to, for an `http:` endpoint whose host then says nothing. */
  socketPath?: string;
  /** Stands in for the comparison of the server's certificate with its name. */
  identifyServer?: IdentifyServer;
  /** Protocols to offer, the preferred one first; default HTTP/2. */
  alpnProtocols?: readonly string[];
}

/** Why a server whose certificate one of the CAs has issued is not the one that was dialled. */
export type IdentifyServer = (host: string, certificate: PeerCertificate) => Error | undefined;

/**
 * How long a connection whose other side has ended is kept for what is still being read from it.
 */
const halfOpenMaxMs = 500;

/**
 * Opens the connection under a session: TLS 1.3, or cleartext for `http:`.
 *
 * The runtime leaves a session open whose peer has ended the connection without a word, as a server
 * does that refuses a certificate, and calls on it never end. So such a connection is closed here.
 */
export function openClientSocket(url: URL, options: SocketOptions): Socket {
  if (options.socketPath !== undefined) return openUnixSocket(options.socketPath);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const isTls = url.protocol === "https:";
  const port = Number(url.port === "" ? (isTls ? 443 : 80) : url.port);
  const socket = isTls
    ? connectTls({
      host,
      port,
      minVersion: "TLSv1.3",
      ALPNProtocols: [...(options.alpnProtocols ?? ["h2"])],
      ...(options.caPem === undefined ? {} : { ca: [options.caPem] }),
      ...(options.identifyServer === undefined
        ? {}
        : { checkServerIdentity: options.identifyServer }),
      ...(options.trustsAnyServer === true ? { rejectUnauthorized: false } : {}),
      ...(options.certPem === undefined ? {} : { cert: options.certPem }),
      ...(options.keyPem === undefined ? {} : { key: options.keyPem.reveal() }),
      ...(options.serverName === undefined ? {} : { servername: options.serverName }),
    })
    : connectTcp({ host, port });
  socket.setNoDelay(true);
  socket.once("end", () => closeHalfOpen(socket));
  return socket;
}

function openUnixSocket(path: string): Socket {
  const socket = connectTcp({ path });
  socket.once("end", () => closeHalfOpen(socket));
  return socket;
}

function closeHalfOpen(socket: Socket): void {
  const timer = systemClock.setTimer(halfOpenMaxMs, () => socket.destroy());
  socket.once("close", () => systemClock.clearTimer(timer));
}

/** @throws Error of the kind the TLS layer raises for a certificate that is not trusted. */
export function requireAccepted(
  socket: Socket | undefined,
  refuse: (certificateDer: Uint8Array) => string | undefined,
): void {
  const certificate = socket instanceof TLSSocket ? socket.getPeerCertificate(false) : undefined;
  const der = certificate?.raw;
  const reason = der === undefined ? "the server shows no certificate" : refuse(der);
  if (reason === undefined) return;
  throw Object.assign(new Error(reason), { code: "CERT_UNTRUSTED" });
}
