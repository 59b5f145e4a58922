/** What the agent's program needs before anything of it is loaded. */
export { type CoreArguments, coreArguments, USAGE } from "./arguments.ts";
export { WORKER_PERMISSIONS } from "./worker_permissions.ts";
