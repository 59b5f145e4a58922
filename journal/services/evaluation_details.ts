import type { policy } from "../../api/mod.ts";
import { deltaFromWire, present } from "../../common/wire/mod.ts";
import { changeFacts, type RequestDetails } from "../policy/mod.ts";

/**
 * What the rules may look at of a request that somebody asks about (OPA-4).
 *
 * @throws {PactError} INVALID_ARGUMENT for a change that is none.
 */
export function evaluationDetails(request: policy.PolicyEvalRequest): RequestDetails {
  const { command, args, driftCategory, emergencyMode, proposedChange } = request;
  const isOfService = request.action.startsWith("service");
  const serviceName = request.serviceName || (isOfService ? command : "");
  const change = proposedChange && changeFacts(deltaFromWire(proposedChange));
  return {
    ...present("command", command === "" ? undefined : command),
    ...present("args", args.length === 0 ? undefined : args),
    ...present("serviceName", serviceName === "" ? undefined : serviceName),
    ...present("driftCategory", driftCategory === "" ? undefined : driftCategory),
    ...present("change", change),
    emergencyMode,
  };
}
