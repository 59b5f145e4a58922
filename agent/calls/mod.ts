/** Calls of the shell service, decided and carried out by the core. */
export { admitCall, type CallGrant, grantCall, type NodeStanding } from "./access.ts";
export { grantAlone } from "./grant_alone.ts";
export { type CallHandler, type CallServer, createCallServer } from "./call_server.ts";
export { diagCalls } from "./diag_calls.ts";
export { execCalls } from "./exec_calls.ts";
export type { CallNode } from "./node.ts";
export { NodeLocks } from "./node_locks.ts";
export { shellCalls } from "./shell_calls.ts";
export { serviceCalls, wireStatus } from "./service_calls.ts";
export { stateCalls } from "./state_calls.ts";
export { emergencyCalls } from "./emergency_control.ts";
export type { EmergencyPowers } from "./emergency_calls.ts";
