/** Errors of mount sharing (MT-7, MT-8). */
import { ContractError } from "../error.ts";

export type MountFault =
  | { readonly kind: "MountFailed"; readonly imagePath: string; readonly reason: string }
  | { readonly kind: "UnmountFailed"; readonly mountPoint: string; readonly reason: string }
  | { readonly kind: "RefcountInconsistency"; readonly imagePath: string; readonly detail: string }
  /** MT-7: force_unmount outside an emergency. */
  | { readonly kind: "PermissionDenied" }
  | { readonly kind: "Io"; readonly cause: string };

/** What a mount operation fails with. */
export class MountError extends ContractError<MountFault> {
  constructor(fault: MountFault, options?: ErrorOptions) {
    super("MountError", messageOf(fault), fault, options);
  }
}

function messageOf(fault: MountFault): string {
  switch (fault.kind) {
    case "MountFailed":
      return `mount failed for ${fault.imagePath}: ${fault.reason}`;
    case "UnmountFailed":
      return `unmount failed for ${fault.mountPoint}: ${fault.reason}`;
    case "RefcountInconsistency":
      return `refcount inconsistency for ${fault.imagePath}: ${fault.detail}`;
    case "PermissionDenied":
      return "force unmount requires emergency mode";
    case "Io":
      return `mount I/O error: ${fault.cause}`;
  }
}
