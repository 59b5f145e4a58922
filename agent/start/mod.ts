/** What the agent's program needs before anything of it is loaded. */
export { type CoreArguments, coreArguments, USAGE } from "./arguments.ts";
export { workerPermissions } from "./worker_permissions.ts";
