/**
 * The listener to which the provider sends the browser back. It owns port 8400 on both loopback
 * addresses, takes one answer, and ends with its scope.
 */

import { timingSafeEqual } from "node:crypto";
import type { Clock } from "../../common/clock/mod.ts";
import { EXIT, Failure } from "../failure/mod.ts";

/** The port that is registered with providers (CLI-26). */
const PORT = 8400;

/** How long connections may take to end. */
const CLOSE_GRACE_MS = 500;

/** The address that is registered with providers (CLI-26). */
export const REDIRECT_URI = `http://localhost:${PORT}/callback`;

/** An open listener. */
export interface CallbackListener extends AsyncDisposable {
  /** The address that the browser was sent to, with the provider's answer. */
  readonly answer: Promise<URL>;
}

/**
 * Listens for the answer to the request with this `state`; other requests get 400.
 *
 * @throws {Failure} exit 1 when the port is taken.
 */
export function listenForCallback(state: string, clock: Clock): CallbackListener {
  const { promise: answer, resolve } = Promise.withResolvers<URL>();
  let isAnswered = false;
  const handler = (request: Request): Response => {
    const url = new URL(request.url);
    if (url.pathname !== "/callback") return page(404, "Nothing here.");
    if (request.method !== "GET" || isAnswered || !isSame(url.searchParams.get("state"), state)) {
      return page(400, "This is not the answer that pact waits for. Start again with pact login.");
    }
    isAnswered = true;
    resolve(new URL(`${REDIRECT_URI}${url.search}`));
    return url.searchParams.has("error")
      ? page(200, "The login was refused. The terminal says why; you may close this window.")
      : page(200, "Login finished. You may close this window and go back to the terminal.");
  };
  const ended = new AbortController();
  const servers = open(handler, ended.signal);
  return {
    answer,
    [Symbol.asyncDispose]: async () => {
      // The browser gets its page; a connection that it opened ahead and never used waits for nothing.
      const timer = clock.setTimer(CLOSE_GRACE_MS, () => ended.abort());
      await Promise.all(servers.map((server) => server.shutdown()));
      clock.clearTimer(timer);
    },
  };
}

function open(
  handler: (request: Request) => Response,
  signal: AbortSignal,
): Deno.HttpServer<Deno.NetAddr>[] {
  const servers: Deno.HttpServer<Deno.NetAddr>[] = [];
  for (const hostname of ["127.0.0.1", "::1"]) {
    try {
      servers.push(
        Deno.serve(
          { hostname, port: PORT, onListen: () => {}, signal },
          handler,
        ),
      );
    } catch (error) {
      // A machine without IPv6 has one loopback address.
      if (!(error instanceof Deno.errors.AddrInUse) && servers.length > 0) continue;
      for (const server of servers) void server.shutdown();
      throw busy(error);
    }
  }
  return servers;
}

function busy(error: unknown): Failure {
  const reason = error instanceof Deno.errors.AddrInUse ? "another program uses it" : String(error);
  return new Failure(
    "NOT_CONFIGURED",
    `cannot listen on port ${PORT} for the answer of the identity provider: ${reason}`,
    EXIT.general,
    ["end that program, or use `pact login --device-code`"],
  );
}

function page(status: number, text: string): Response {
  return new Response(`<!doctype html><title>pact</title><p>${text}</p>\n`, {
    status,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": "default-src 'none'",
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
      "connection": "close",
    },
  });
}

function isSame(given: string | null, expected: string): boolean {
  const [a, b] = [given ?? "", expected].map((text) => new TextEncoder().encode(text));
  return a !== undefined && b !== undefined && a.length === b.length && timingSafeEqual(a, b);
}
