/** Calls of the shell service, decided and carried out by the core. */
export { admitCall, type CallGrant, grantCall, type NodeStanding } from "./access.ts";
export { grantAlone } from "./grant_alone.ts";
export { type CallHandler, type CallServer, createCallServer } from "./call_server.ts";
export { callHandlers } from "./handlers.ts";
export type { CallNode } from "./node.ts";
export { NodeLocks } from "./node_locks.ts";
export { wireStatus } from "./service_calls.ts";
export type { EmergencyPowers } from "./emergency_calls.ts";
