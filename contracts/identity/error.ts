/** Errors of obtaining and rotating an identity (IDN-11). */
import { ContractError } from "../error.ts";

export type IdentityFault =
  | { readonly kind: "SpireUnavailable"; readonly reason: string }
  | { readonly kind: "CsrSigningFailed"; readonly reason: string }
  | { readonly kind: "BootstrapNotFound"; readonly path: string }
  | { readonly kind: "Expired" }
  | { readonly kind: "RotationFailed"; readonly reason: string }
  | { readonly kind: "NoProviderAvailable" }
  | { readonly kind: "Io"; readonly cause: string };

/** What obtaining or rotating an identity fails with. */
export class IdentityError extends ContractError<IdentityFault> {
  constructor(fault: IdentityFault, options?: ErrorOptions) {
    super("IdentityError", messageOf(fault), fault, options);
  }
}

function messageOf(fault: IdentityFault): string {
  switch (fault.kind) {
    case "SpireUnavailable":
      return `SPIRE agent unavailable: ${fault.reason}`;
    case "CsrSigningFailed":
      return `CSR signing failed: ${fault.reason}`;
    case "BootstrapNotFound":
      return `bootstrap identity not found: ${fault.path}`;
    case "Expired":
      return "identity expired";
    case "RotationFailed":
      return `rotation failed: ${fault.reason}`;
    case "NoProviderAvailable":
      return "no identity provider available";
    case "Io":
      return `identity I/O error: ${fault.cause}`;
  }
}
