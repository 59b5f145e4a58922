import { laterKeys } from "../../common/config/mod.ts";

/** Keys of the published sample files whose function this version does not have. */
export const LATER = laterKeys([
  "policy.federation.sovra_endpoint",
  "policy.federation.sync_interval_seconds",
  "policy.enabled",
  "telemetry.prometheus_enabled",
  "telemetry.loki_endpoint",
  "delegation.lattice_endpoint",
  "delegation.lattice_token",
  "telemetry.loki_enabled",
], {
  "telemetry.prometheus_enabled": true,
  "telemetry.loki_enabled": false,
  "policy.enabled": true,
});
