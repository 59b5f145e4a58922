import { EXIT, Failure } from "../failure/mod.ts";

/** What is told of an error of the provider or of the way to it; a token never stands in it. */
interface OAuthError {
  /** The code that the provider answered with (RFC 6749 section 5.2). */
  readonly code: string | undefined;
  readonly status: number | undefined;
  /** What happened on the way, where the provider did not answer. */
  readonly reason: string;
}

/** What answers without a code mean. */
const ANSWERS: Readonly<Record<number, string>> = {
  401: "invalid_client: the provider does not know this client, or not by this secret",
  404: "the provider has nothing at this address",
};

/** Whether the provider could not be asked, or is out of order: trying later may help. */
export function isUnreachable(error: unknown): boolean {
  const { code, status, reason } = describe(error);
  return code === undefined && (status === undefined ? isNetwork(error, reason) : status >= 500);
}

/** Whether the error says that the endpoint or the client is not what it was (CLI-24). */
export function isChanged(error: unknown): boolean {
  const { code, status } = describe(error);
  return status === 404 || status === 401 || code === "unauthorized_client";
}

/** The failure that a person is told of; `what` is what was tried. */
export function oauthFailure(error: unknown, what: string): Failure {
  if (error instanceof Failure) return error;
  const { code, status, reason } = describe(error);
  if (isUnreachable(error)) {
    return new Failure(
      "UNAVAILABLE",
      `${what}: the identity provider does not answer`,
      EXIT.unreachable,
      [
        reason,
      ],
      error,
    );
  }
  const answer = code ?? ANSWERS[status ?? 0] ??
    (status === undefined ? reason : `the provider answered ${status}`);
  return new Failure("UNAUTHENTICATED", `${what}: ${answer}`, EXIT.refused, [], error);
}

function describe(error: unknown): OAuthError {
  const { error: code, status, cause } = fieldsOf(error);
  const answered = cause instanceof Response ? cause.status : undefined;
  return {
    code: typeof code === "string" && /^[\x20-\x7e]{1,64}$/.test(code) ? code : undefined,
    status: typeof status === "number" ? status : answered,
    reason: error instanceof Error ? error.message : String(error),
  };
}

function isNetwork(error: unknown, reason: string): boolean {
  const { code } = fieldsOf(error);
  return error instanceof TypeError || code === "OAUTH_TIMEOUT" || /timed out/.test(reason);
}

function fieldsOf(error: unknown): Readonly<Record<string, unknown>> {
  if (!(error instanceof Error)) return {};
  return { cause: error.cause, ...Object.fromEntries(Object.entries(error)) };
}
