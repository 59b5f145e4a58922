/** The worker's side of the node's RPC service. */
export { type CallBroker, createCallBroker, type VerifiedCaller } from "./call_broker.ts";
export {
  createShellListener,
  type ListenerOptions,
  type RefusedCaller,
  type ShellListener,
} from "./listener.ts";
export { RefusedCallers } from "./refused_callers.ts";
export { ShellAddresses } from "./shell_addresses.ts";
export { shellService, verifiedCallerKey } from "./shell_service.ts";
