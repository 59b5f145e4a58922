/**
 * The command line as a whole: parsing, running, reporting.
 *
 * @module
 */
export { type Invocation, parseCommandLine } from "./parse.ts";
export { runPact } from "./run.ts";
