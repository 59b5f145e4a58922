/**
 * The metrics and health listener: plain HTTP on the management network. It owns its socket and ends
 * with `close`.
 */

import { Hono } from "@hono/hono";
import type { ListenAddress } from "../config/mod.ts";
import type { Replica } from "../replica/mod.ts";
import type { Metrics } from "./metrics.ts";

/** What `/auth/discovery` tells a client that wants to log in (CLI-23). */
export interface Discovery {
  readonly idp_url: string;
  readonly client_id: string;
  readonly scopes: readonly string[];
}

/** What the listener serves from. */
export interface HttpOptions {
  readonly listen: ListenAddress;
  readonly replica: Replica;
  readonly metrics: Metrics;
  readonly discovery: Discovery | undefined;
  readonly nodeId: number;
  readonly version: string;
  /** Whether boot streams can be served. */
  readonly isReady: () => boolean;
}

/** A running HTTP listener. */
export interface HttpListener {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves `/health`, `/ready`, `/metrics` and `/auth/discovery` (journal.md 14.1).
 *
 * @throws {Error} naming the listener and the reason when the address cannot be had (JRN-6).
 */
export function serveHttp(options: HttpOptions): HttpListener {
  const app = routes(options);
  const { hostname, port } = options.listen;
  try {
    const server = Deno.serve({ hostname, port, onListen: () => {} }, app.fetch);
    return { port: server.addr.port, close: () => server.shutdown() };
  } catch (error) {
    const reason = error instanceof Deno.errors.AddrInUse ? "the port is in use" : String(error);
    throw new Error(`cannot open the metrics listener on ${hostname}:${port}: ${reason}`);
  }
}

function routes({ replica, metrics, discovery, nodeId, version, isReady }: HttpOptions): Hono {
  const app = new Hono();
  app.get("/health", (context) => {
    const status = replica.status();
    const body = {
      status: status.health === "ok" ? "healthy" : "degraded",
      role: "leader",
      entries: status.nextSequence,
      leader_id: nodeId,
      term: Number(status.log.term),
      last_applied: Number(status.appliedIndex),
      version,
      ...(status.reason === undefined ? {} : { reason: status.reason }),
    };
    return context.json(body, status.health === "ok" ? 200 : 503);
  });
  app.get(
    "/ready",
    (context) => isReady() ? context.json({ ready: true }) : context.json({ ready: false }, 503),
  );
  app.get("/metrics", async (context) =>
    context.text(await metrics.scrape(), 200, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
    }));
  app.get(
    "/auth/discovery",
    (context) =>
      discovery === undefined
        ? context.json({ error: "no identity provider configured" }, 404)
        : context.json(discovery),
  );
  return app;
}
