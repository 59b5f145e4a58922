/** Errors of the namespace handoff (NS-3) and of its wire protocol (NS-13). */
import { ContractError } from "../error.ts";

export type NamespaceFault =
  | { readonly kind: "SocketUnavailable"; readonly reason: string }
  | { readonly kind: "CreationFailed"; readonly reason: string }
  | { readonly kind: "AllocationNotFound"; readonly allocationId: string }
  | { readonly kind: "FdPassing"; readonly cause: string };

/** What a handoff fails with. */
export class NamespaceError extends ContractError<NamespaceFault> {
  constructor(fault: NamespaceFault, options?: ErrorOptions) {
    super("NamespaceError", messageOf(fault), fault, options);
  }
}

function messageOf(fault: NamespaceFault): string {
  switch (fault.kind) {
    case "SocketUnavailable":
      return `handoff socket unavailable: ${fault.reason}`;
    case "CreationFailed":
      return `namespace creation failed: ${fault.reason}`;
    case "AllocationNotFound":
      return `allocation not found: ${fault.allocationId}`;
    case "FdPassing":
      return `FD passing failed: ${fault.cause}`;
  }
}

export type ProtocolFault = { readonly kind: "Protocol"; readonly reason: string };

/** NS-13: the peer broke the framing; answer with kind `Protocol` and close the connection. */
export class ProtocolError extends ContractError<ProtocolFault> {
  constructor(reason: string, options?: ErrorOptions) {
    super(
      "ProtocolError",
      `handoff protocol error: ${reason}`,
      { kind: "Protocol", reason },
      options,
    );
  }
}
