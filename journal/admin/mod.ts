/**
 * Commands of `pact-journal` that talk to a running journal.
 *
 * @module
 */
export { AdminError, memberCommand } from "./member.ts";
