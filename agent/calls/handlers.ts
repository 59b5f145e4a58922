import type { CallHandler } from "./call_server.ts";
import { diagCalls } from "./diag_calls.ts";
import { emergencyCalls } from "./emergency_control.ts";
import { execCalls } from "./exec_calls.ts";
import type { CallNode } from "./node.ts";
import { serviceCalls } from "./service_calls.ts";
import { shellCalls } from "./shell_calls.ts";
import { stateCalls } from "./state_calls.ts";

/** What answers each method of the shell service, by its name. */
export function callHandlers(node: CallNode): Record<string, CallHandler> {
  return {
    ...execCalls(node),
    ...shellCalls(node),
    ...serviceCalls(node),
    ...stateCalls(node),
    ...diagCalls(node),
    ...emergencyCalls(node),
  };
}
