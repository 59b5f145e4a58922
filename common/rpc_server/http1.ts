/**
 * HTTP/1.1 on connections that a listener hands over: for load balancers, `curl` and monitoring. It
 * owns no listening socket; its bounds are those of one connection, and it ends with `stop`.
 */

import * as http from "node:http";
import type { Socket } from "node:net";

/** The bounds of HTTP/1.1 connections; times in milliseconds. */
export interface Http1Limits {
  /** From the first byte of a request to the end of its headers; 408 beyond. */
  headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body; 408 beyond. */
  requestTimeoutMs: number;
  /** How long a connection may wait for its next request. */
  idleTimeoutMs: number;
}

export const defaultHttp1Limits: Http1Limits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 75_000,
};

/** Room for the largest bearer token and what clients send with it; 431 beyond. */
const headersMaxBytes = 32 * 1024;
const headersMaxCount = 100;

/** Speaks HTTP/1.1 on the connections it is given. */
export interface Http1Engine {
  take(socket: Socket): void;
  /** Ends connections without a call; the others end with the answer of their running one. */
  drain(): void;
  /** Ends the supervision of timeouts; call it when no connection is left. */
  stop(): void;
}

/** `isOpen` says whether the listener still takes calls: if not, answers end their connection. */
export function createHttp1Engine(
  handler: http.RequestListener,
  limits: Http1Limits,
  isOpen: () => boolean,
): Http1Engine {
  const server = http.createServer({
    maxHeaderSize: headersMaxBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, 5_000),
  }, handler);
  server.maxHeadersCount = headersMaxCount;
  // A server that says it is not listening ends every connection with its first answer.
  Object.defineProperty(server, "listening", { get: isOpen });
  // Starts the supervision of its connections' timeouts, as listening would.
  server.emit("listening");
  return {
    take: (socket) => void server.emit("connection", socket),
    drain: () => server.closeIdleConnections(),
    stop: () => void server.close(),
  };
}
