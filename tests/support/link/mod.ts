/**
 * A link to a journal, as an agent's worker has one.
 *
 * @module
 */
export { Linked, type LinkTuning } from "./linked.ts";
export { bootStream, enrolledIdentity } from "./scripted_boot.ts";
