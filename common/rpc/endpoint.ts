/** Port of the journal's RPC listener (API-1). */
export const journalDefaultPort = 9443;
/** Port of the agent's shell listener (API-1). */
export const agentDefaultPort = 9445;

/** An address that cannot be dialled; the message says which and why. */
export class EndpointError extends Error {
  override readonly name = "EndpointError";
}

/** How an address without scheme or port is completed. */
export interface EndpointDefaults {
  /** Whether a CA is known, which makes TLS the default (CLI-5). */
  hasCa: boolean;
  defaultPort?: number;
}

/**
 * Completes an address to `https://HOST:PORT` or `http://HOST:PORT` (CLI-5): without scheme TLS is
 * taken when a CA is known, without port 9443.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseEndpoint } from "./endpoint.ts";
 *
 * assert.equal(parseEndpoint("mgmt-1", { hasCa: true }), "https://mgmt-1:9443");
 * assert.equal(parseEndpoint("[::1]:9000", { hasCa: false }), "http://[::1]:9000");
 * ```
 *
 * @throws EndpointError when it is no address.
 */
export function parseEndpoint(text: string, defaults: EndpointDefaults): string {
  const trimmed = text.trim();
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed);
  const bareIpv6 = !hasScheme && /^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:.]*$/i.test(trimmed);
  const address = bareIpv6 ? `[${trimmed}]` : trimmed;
  const url = parseUrl(
    hasScheme ? address : `${defaults.hasCa ? "https" : "http"}://${address}`,
    text,
  );
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new EndpointError(`endpoint '${text}': use https:// or http://`);
  }
  const hasMore = url.pathname !== "/" || url.search !== "" || url.hash !== "";
  if (hasMore || url.username !== "" || url.password !== "") {
    throw new EndpointError(`endpoint '${text}': give a host and a port, nothing more`);
  }
  // URL drops the scheme's own port (443), so whether one was written shows in the text alone.
  const written = /:(\d+)\/?$/.exec(address)?.[1];
  const port = written ?? `${defaults.defaultPort ?? journalDefaultPort}`;
  return `${url.protocol}//${url.hostname}:${port}`;
}

/** Whether the endpoint is cleartext to another machine: no place for credentials (CLI-6). */
export function isPlaintextToRemote(endpoint: string): boolean {
  const url = new URL(endpoint);
  return url.protocol === "http:" && !isLoopback(url.hostname);
}

/** Whether a host name or address stays on this machine. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname === "::1" ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);
}

function parseUrl(address: string, text: string): URL {
  try {
    return new URL(address);
  } catch {
    throw new EndpointError(
      `endpoint '${text}' is not an address; expected HOST, HOST:PORT or https://HOST:PORT`,
    );
  }
}
