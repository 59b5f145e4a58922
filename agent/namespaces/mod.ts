/**
 * Namespaces for allocations of the workload manager (contracts.md section 4, agent.md section 9): made,
 * pinned, handed over as descriptors, and taken down when the allocation is over.
 *
 * @module
 */
export {
  type AllocationEffect,
  type AllocationEvent,
  type AllocationState,
  type AllocationStep,
  beginAllocation,
  stepAllocation,
} from "./allocation_machine.ts";
export { HandoffServer, type HandoffServerOptions, type HandoffService } from "./handoff_server.ts";
export {
  createNamespaceProgram,
  type NamespaceProgram,
  type NamespaceProgramOptions,
} from "./namespace_program.ts";
export { peerRefusal, type PeerRules } from "./peer.ts";
export { createPins, type Pins } from "./pins.ts";
export { NamespaceProvider, type ProviderOptions, type UenvMounts } from "./provider.ts";
export type { Gate } from "./waiting_line.ts";
