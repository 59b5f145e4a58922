/** What a {@link TlsError} is about; stable, for callers that must tell cases apart. */
export type TlsErrorCode =
  | "INVALID_PEM"
  | "INVALID_CERTIFICATE"
  | "INVALID_KEY"
  | "INVALID_CSR"
  | "KEY_MISMATCH"
  | "INVALID_NAME";

/** The one error type of common/tls and common/certificate. The message is fit to be shown; it never holds key material. */
export class TlsError extends Error {
  override readonly name = "TlsError";

  constructor(readonly code: TlsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
