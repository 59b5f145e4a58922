/** The plain HTTP side of the journal: health, readiness, metrics, discovery. */
export { createMetrics, type Metrics } from "./metrics.ts";
export { type Discovery, type HttpListener, type HttpOptions, serveHttp } from "./server.ts";
