/**
 * What the server is told: the environment, the CA and the token.
 *
 * @module
 */
export { requireMachineToken } from "./bearer.ts";
export { readCa, readToken } from "./files.ts";
export { readSettings, type Settings, VARIABLES } from "./settings.ts";
