/** The handlers of the journal's API. */
export { bootConfigService } from "./boot_config_service.ts";
export type { BootOptions } from "./boot_stream.ts";
export { configService } from "./config_service.ts";
export type { ServiceContext } from "./context.ts";
export { enrollmentService } from "./enrollment_service.ts";
export { fleetService } from "./fleet_service.ts";
export { freshnessInterceptor } from "./freshness.ts";
export { healthService } from "./health_service.ts";
export { lockService } from "./lock_service.ts";
export { policyService } from "./policy_service.ts";
export type { ClusterFacts } from "./cluster.ts";
