/**
 * HTTP/1.1 on connections that a listener hands over: for load balancers, `curl` and monitoring. It
 * owns no listening socket; its bounds are those of one connection, and it ends with `stop`.
 */

import * as http from "node:http";
import type { Socket } from "node:net";
import { type LaneOptions, WholeRequestLane } from "./whole_request_lane.ts";

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

/** What an engine is made of. */
export interface Http1Options extends Omit<LaneOptions, "handOver"> {
  /** Answers what is no plain call. */
  readonly handler: http.RequestListener;
}

/**
 * An engine that answers plain calls itself, and leaves connections that bring anything else to
 * node:http.
 */
export function createHttp1Engine(options: Http1Options): Http1Engine {
  const { handler, limits, isOpen } = options;
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
  const lane = new WholeRequestLane({
    ...options,
    handOver: (socket) => void server.emit("connection", socket),
  });
  return {
    take: (socket) => lane.take(socket),
    drain: () => {
      lane.drain();
      server.closeIdleConnections();
    },
    stop: () => {
      lane.stop();
      server.close();
    },
  };
}
