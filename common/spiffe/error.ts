/** What a {@link SpiffeError} is about; stable. */
export type SpiffeErrorCode =
  /** Nobody listens at the socket, or it is not there. */
  | "NO_AGENT"
  /** The agent does not answer, or has gone. */
  | "UNAVAILABLE"
  /** The agent knows this process and has no identity for it. */
  | "NO_IDENTITY"
  /** What the agent sent cannot be used. */
  | "MALFORMED";

/** The one error type of common/spiffe. The message holds nothing of a key. */
export class SpiffeError extends Error {
  override readonly name = "SpiffeError";

  constructor(readonly code: SpiffeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
