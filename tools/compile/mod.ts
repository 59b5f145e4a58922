/**
 * Makes the executables of the project, each with its permission set baked in.
 *
 * @module
 */
export { compileAll, type Compiled } from "./compile.ts";
export { readPermissionSets } from "./config.ts";
export { type Executable, EXECUTABLES, runtimeFlags } from "./executables.ts";
export { grantsOf, type ReadBack, readBack } from "./read_back.ts";
