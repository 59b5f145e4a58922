/**
 * The metrics and health listener: plain HTTP on the management network. It owns its socket and ends
 * with `close`.
 */

import { Hono } from "@hono/hono";
import type { ListenAddress } from "../config/mod.ts";
import type { Discovery } from "./discovery.ts";
import { type HealthAnswer, type HealthFacts, healthOf, readinessOf } from "./health.ts";
import type { Metrics } from "./metrics.ts";

/** What the listener serves from. */
export interface HttpOptions {
  readonly listen: ListenAddress;
  /** Undefined while the member recovers. */
  readonly facts: () => HealthFacts | undefined;
  readonly metrics: Metrics;
  /** Asked at every request: the settings may have changed. */
  readonly discovery: () => Discovery | undefined;
  readonly version: string;
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

function routes({ facts, metrics, discovery, version }: HttpOptions): Hono {
  const app = new Hono();
  const answer = (path: string, judge: () => HealthAnswer) =>
    app.get(path, (context) => {
      const { httpStatus, body } = judge();
      return context.json(body, httpStatus);
    });
  answer("/health", () => healthOf(facts(), version));
  answer("/ready", () => readinessOf(facts()));
  app.get("/metrics", async (context) =>
    context.text(await metrics.scrape(), 200, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
    }));
  app.get(
    "/auth/discovery",
    (context) => {
      const known = discovery();
      return known === undefined
        ? context.json({ error: "no identity provider configured" }, 404)
        : context.json(known);
    },
  );
  return app;
}
