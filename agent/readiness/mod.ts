/**
 * The readiness gate (contracts.md section 6): whether the workload manager may use this node.
 *
 * @module
 */
export { Gate, type GateOptions } from "./gate.ts";
export { claimSocketPath } from "./socket_path.ts";
