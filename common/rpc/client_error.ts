import { Code, ConnectError } from "@connectrpc/connect";

/** What the transport knows about a call when it fails. */
export interface CallSituation {
  endpoint: string;
  /** Whether the caller itself gave up. */
  canceledByCaller: boolean;
}

/**
 * Makes one kind of error of the many ways in which a connection fails, so that callers can tell
 * "the journal is away, try again" (Unavailable) from "the journal says no".
 *
 * - An error that the server sent passes unchanged, its metadata included.
 * - A cancel that the caller did not ask for is a peer that died: Unavailable.
 * - A lost or refused connection, a premature end, a GOAWAY: Unavailable.
 * - A certificate that is not trusted: FailedPrecondition, because trying again cannot help.
 */
export function normalizeClientError(error: unknown, situation: CallSituation): ConnectError {
  const connectError = ConnectError.from(error);
  if (situation.canceledByCaller) {
    return connectError.code === Code.DeadlineExceeded
      ? connectError
      : new ConnectError("canceled by the caller", Code.Canceled, undefined, undefined, error);
  }
  if (connectError.code === Code.DeadlineExceeded) return connectError;

  const facts = chainFacts(error);
  const trust = facts.find(({ code }) => isTrustFailure(code));
  if (trust !== undefined) {
    return new ConnectError(
      `cannot trust ${situation.endpoint}: ${trust.message}`,
      Code.FailedPrecondition,
      { [trustFailureKey]: trust.code },
      undefined,
      error,
    );
  }
  if (isConnectionLoss(connectError, facts)) {
    return new ConnectError(
      `connection to ${situation.endpoint} failed: ${shortReason(connectError, facts)}`,
      Code.Unavailable,
      undefined,
      undefined,
      error,
    );
  }
  return connectError;
}

/** Whether a call failed because the server's certificate is not trusted. */
export function isTrustError(error: unknown): boolean {
  return error instanceof ConnectError && error.metadata.has(trustFailureKey);
}

const trustFailureKey = "x-pact-local-trust-failure";

interface ErrorFacts {
  code: string;
  message: string;
}

const chainMaxLength = 8;

/** Codes and messages of an error and its causes. */
function chainFacts(error: unknown): ErrorFacts[] {
  const facts: ErrorFacts[] = [];
  let current = error;
  while (current instanceof Error && facts.length < chainMaxLength) {
    const code = "code" in current && typeof current.code === "string" ? current.code : "";
    facts.push({ code, message: current.message });
    current = current.cause;
  }
  return facts;
}

function isTrustFailure(code: string): boolean {
  return code === "ERR_TLS_CERT_ALTNAME_INVALID" || trustCodes.has(code);
}

const trustCodes = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

const connectionCodes = new Set([
  "EADDRNOTAVAIL",
  "EAI_AGAIN",
  "ECONNABORTED",
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EPIPE",
  "ERR_HTTP2_GOAWAY_SESSION",
  "ERR_HTTP2_INVALID_SESSION",
  "ERR_HTTP2_INVALID_STREAM",
  "ERR_HTTP2_SESSION_ERROR",
  "ERR_HTTP2_STREAM_CANCEL",
  "ERR_HTTP2_STREAM_ERROR",
  "ERR_SOCKET_CLOSED",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_PREMATURE_CLOSE",
  "ETIMEDOUT",
]);

/** Texts of failures that carry no code. */
const connectionTexts =
  /premature close|sentinel completed early|session (has been )?(closed|destroyed)|socket (hang up|closed)|missing (status|trailer)|connection (aborted|closed|reset)/i;

function isConnectionLoss(error: ConnectError, facts: ErrorFacts[]): boolean {
  if (error.code === Code.Canceled) return true;
  if (facts.some(({ code }) => connectionCodes.has(code) || code.startsWith("ERR_SSL_"))) {
    return true;
  }
  const local = error.code === Code.Internal || error.code === Code.Aborted ||
    error.code === Code.Unknown;
  return local && facts.some(({ message }) => connectionTexts.test(message));
}

function shortReason(error: ConnectError, facts: ErrorFacts[]): string {
  if (error.code === Code.Canceled) return "the peer ended the stream";
  return facts.findLast(({ code }) => code !== "")?.message ?? error.rawMessage;
}
