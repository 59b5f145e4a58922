import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { IncomingMessage, ServerResponse } from "node:http";

/** The answer of a plain HTTPS route. */
export interface HttpAnswer {
  status: number;
  contentType: string;
  body: string;
}

/** Plain GET routes beside the RPC services, by exact path (TEL-1). */
export type HttpRoutes = Readonly<Record<string, () => HttpAnswer | Promise<HttpAnswer>>>;

type NodeRequest = Http2ServerRequest | IncomingMessage;
type NodeResponse = Http2ServerResponse | ServerResponse;

/** Answers a request that no RPC method matches: a route, or 404 or 405. */
export async function answerHttpRoute(
  routes: HttpRoutes,
  request: NodeRequest,
  response: NodeResponse,
): Promise<void> {
  const path = (request.url ?? "").split("?", 1)[0] ?? "";
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (route === undefined) {
    return send(response, { status: 404, contentType: textPlain, body: "not found\n" });
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return send(response, { status: 405, contentType: textPlain, body: "only GET is served\n" });
  }
  const answer = await route();
  send(response, request.method === "HEAD" ? { ...answer, body: "" } : answer);
}

/** Answers what failed before anything was answered, so that its caller need not wait for nothing. */
export function answerFailure(response: NodeResponse): void {
  if (response.headersSent || response.writableEnded) return;
  send(response, { status: 500, contentType: textPlain, body: "internal error\n" });
}

const textPlain = "text/plain; charset=utf-8";

function send(response: NodeResponse, { status, contentType, body }: HttpAnswer): void {
  const headers = { "content-type": contentType, "x-content-type-options": "nosniff" };
  // The two response types declare writeHead differently, so each is called through its own.
  if ("stream" in response) response.writeHead(status, headers);
  else response.writeHead(status, headers);
  response.end(body);
}
