import { faultText as faultTextOf } from "../../common/service_graph/mod.ts";

/** Why the supervisor refused a request; the code is what callers match on. */
export type SupervisorFault =
  | { readonly code: "UNKNOWN_SERVICE"; readonly service: string }
  | { readonly code: "ALREADY_RUNNING"; readonly service: string }
  | { readonly code: "CANNOT_START"; readonly service: string; readonly reason: string }
  | { readonly code: "DEPENDED_UPON"; readonly service: string; readonly by: readonly string[] }
  | { readonly code: "UNKNOWN_DEPENDENCY"; readonly service: string; readonly dependency: string }
  | { readonly code: "DEPENDENCY_CYCLE"; readonly path: readonly string[] }
  | { readonly code: "INVALID_DECLARATION"; readonly service: string; readonly reason: string }
  | { readonly code: "STOPPING" };

/** A refused request (CTX-2, SVC-1, SUP-9). */
export class SupervisorError extends Error {
  readonly fault: SupervisorFault;

  constructor(fault: SupervisorFault) {
    super(faultText(fault));
    this.name = "SupervisorError";
    this.fault = fault;
  }

  /** Stable name of the kind of refusal. */
  get code(): SupervisorFault["code"] {
    return this.fault.code;
  }
}

function faultText(fault: SupervisorFault): string {
  switch (fault.code) {
    case "UNKNOWN_SERVICE":
      return `unknown service: ${fault.service}`;
    case "ALREADY_RUNNING":
      return `service ${fault.service} is already running`;
    case "CANNOT_START":
      return `service ${fault.service} cannot be started: ${fault.reason}`;
    case "DEPENDED_UPON":
      return `services depend on ${fault.service}: ${fault.by.join(", ")}`;
    case "UNKNOWN_DEPENDENCY":
      return faultTextOf({ ...fault, kind: "unknown" });
    case "DEPENDENCY_CYCLE":
      return faultTextOf({ ...fault, kind: "cycle" });
    case "INVALID_DECLARATION":
      return `service ${fault.service}: ${fault.reason}`;
    case "STOPPING":
      return "all services are being stopped";
  }
}
