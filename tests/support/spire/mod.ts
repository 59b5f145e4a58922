/** A real SPIRE: servers of trust domains, and the agents of machines. */
export { openSpireMachine, SpireMachine, type SpireMachineOptions } from "./machine.ts";
export {
  openSpireServer,
  type Registration,
  SpireServer,
  type SpireServerOptions,
} from "./server.ts";
export { openSpireSite, SPIRE_DOMAIN, type SpireSite, svidOptions } from "./site.ts";
export { spireLog } from "./log.ts";
