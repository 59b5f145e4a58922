/**
 * The shape every error of these contracts has (NC-5): a fault with a `kind` to match on, the
 * fields that kind carries, and the one message people read.
 */
export abstract class ContractError<Fault extends { readonly kind: string }> extends Error {
  /** What went wrong, as data: match on `fault.kind`, then read that kind's fields. */
  readonly fault: Fault;

  protected constructor(name: string, message: string, fault: Fault, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
    this.fault = fault;
  }

  /** The variant name, e.g. `"CreationFailed"`. */
  get kind(): Fault["kind"] {
    return this.fault.kind;
  }
}
