/** A refusal with its stable code; what callers of the node get to see. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";

  constructor(readonly code: string, message: string) {
    super(message);
  }
}
