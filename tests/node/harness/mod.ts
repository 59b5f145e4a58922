/**
 * Nodes in QEMU for tests: a journal on this machine, and nodes that start from a snapshot.
 *
 * @module
 */
export type { GuestConsole, GuestEnd } from "./console.ts";
export type { GuestNode } from "./guest_node.ts";
export { ADMIN, type Lab, type LabOptions, type NodeOptions, openLab } from "./lab.ts";
export type { Machine } from "./machine.ts";
export { nodeTest } from "./register.ts";
export type { Profile } from "./site_archive.ts";
