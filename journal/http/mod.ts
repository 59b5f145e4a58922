/** The plain HTTP side of the journal: health, readiness, metrics, discovery. */
export { type HealthAnswer, type HealthFacts, healthOf, readinessOf } from "./health.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export {
  type Discovery,
  discoveryOf,
  discoveryRoutes,
  type DiscoverySettings,
} from "./discovery.ts";
export { type HttpListener, type HttpOptions, serveHttp } from "./server.ts";
