/**
 * The leader's signatures over the log: when one is due, and who makes it.
 *
 * @module
 */
export { Checkpointer, type CheckpointerOptions } from "./checkpointer.ts";
