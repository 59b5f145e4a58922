import { Code, ConnectError } from "@connectrpc/connect";

/** Request metadata and trailers of API-2. */
export const metadata = {
  authorization: "authorization",
  requestId: "x-pact-request-id",
  consistency: "x-pact-consistency",
  minSequence: "x-pact-min-sequence",
  client: "x-pact-client",
  reason: "x-pact-reason",
  error: "x-pact-error",
  leader: "x-pact-leader",
  appliedSequence: "x-pact-applied-sequence",
  approvalId: "x-pact-approval-id",
  approvalExpires: "x-pact-approval-expires",
  overlayStale: "x-pact-overlay-stale",
  retryAfterMs: "retry-after-ms",
  knownVersion: "x-pact-known-version",
} as const;

/** How fresh a read must be. */
export type Consistency = "local" | "linearizable";

const requestIdMaxChars = 128;
const freeTextMaxChars = 1024;

/**
 * The idempotency key of a write, or undefined when the caller sent none.
 *
 * @throws ConnectError InvalidArgument unless it is 1 to 128 printable ASCII characters (API-2).
 */
export function readRequestId(header: Headers): string | undefined {
  const requestId = header.get(metadata.requestId);
  if (requestId === null) return undefined;
  if (!isPrintable(requestId, requestIdMaxChars)) {
    throw invalid(`${metadata.requestId} must be 1 to ${requestIdMaxChars} printable characters`);
  }
  return requestId;
}

/** @throws ConnectError InvalidArgument for anything but `local` and `linearizable` (API-2). */
export function readConsistency(header: Headers): Consistency {
  const consistency = header.get(metadata.consistency) ?? "local";
  if (consistency !== "local" && consistency !== "linearizable") {
    throw invalid(`${metadata.consistency} must be 'local' or 'linearizable'`);
  }
  return consistency;
}

/**
 * The sequence that must have been applied before the call is answered, or undefined.
 *
 * @throws ConnectError InvalidArgument unless it is a decimal number of 64 bits (API-2).
 */
export function readMinSequence(header: Headers): bigint | undefined {
  const text = header.get(metadata.minSequence);
  if (text === null) return undefined;
  if (!/^\d{1,20}$/.test(text) || BigInt(text) > uint64Max) {
    throw invalid(`${metadata.minSequence} must be a decimal number`);
  }
  return BigInt(text);
}

/** The version that the caller has of what it asks for, or undefined; what is no number is none. */
export function readKnownVersion(header: Headers): bigint | undefined {
  const text = header.get(metadata.knownVersion);
  return text !== null && /^\d{1,20}$/.test(text) ? BigInt(text) : undefined;
}

/** Free text of the caller for the audit record, cut to its bound; empty when absent. */
export function readFreeText(header: Headers, key: "client" | "reason"): string {
  return (header.get(metadata[key]) ?? "").slice(0, freeTextMaxChars);
}

/** The token after `Bearer `, whose case does not matter (API-2); undefined when there is none. */
export function readBearerToken(header: Headers): string | undefined {
  const match = /^bearer +(\S+)$/i.exec(header.get(metadata.authorization) ?? "");
  return match?.[1];
}

/** What a caller may say about one call; becomes request headers. */
export interface CallFacts {
  requestId?: string;
  consistency?: Consistency;
  minSequence?: bigint;
  reason?: string;
  /** The approval that the caller comes back with (APR-12). */
  approvalId?: string;
  /** Version of what is asked for that the caller has; an answer may then leave the rest out. */
  knownVersion?: bigint;
}

/** The headers for one call, for the `headers` of Connect's call options. */
export function callHeaders(facts: CallFacts): Headers {
  const header = new Headers();
  if (facts.requestId !== undefined) header.set(metadata.requestId, facts.requestId);
  if (facts.consistency !== undefined) header.set(metadata.consistency, facts.consistency);
  if (facts.minSequence !== undefined) header.set(metadata.minSequence, `${facts.minSequence}`);
  if (facts.reason !== undefined) header.set(metadata.reason, headerText(facts.reason));
  if (facts.approvalId !== undefined) header.set(metadata.approvalId, facts.approvalId);
  if (facts.knownVersion !== undefined) header.set(metadata.knownVersion, `${facts.knownVersion}`);
  return header;
}

/** Text as a header value can carry it: other characters than printable ASCII become `?`. */
export function headerText(text: string): string {
  return text.slice(0, freeTextMaxChars).replace(/[^\x20-\x7e]/gu, "?");
}

const uint64Max = 2n ** 64n - 1n;

function isPrintable(text: string, maxChars: number): boolean {
  return text.length > 0 && text.length <= maxChars && /^[\x21-\x7e][\x20-\x7e]*$/.test(text);
}

function invalid(message: string): ConnectError {
  return new ConnectError(`INVALID_ARGUMENT: ${message}`, Code.InvalidArgument, {
    [metadata.error]: "INVALID_ARGUMENT",
  });
}
