/** The approval that somebody has to wait for. */
export interface AwaitedApproval {
  readonly id: string;
  /** RFC 3339. */
  readonly expires: string;
}

/** A refusal with its stable code; what callers of the node get to see. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";

  constructor(
    readonly code: string,
    message: string,
    /** With APPROVAL_REQUIRED. */
    readonly approval: AwaitedApproval = { id: "", expires: "" },
  ) {
    super(message);
  }
}
