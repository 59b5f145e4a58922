/**
 * A link to a journal, as an agent's worker has one.
 *
 * @module
 */
export { Linked, type LinkTuning } from "./linked.ts";
