/** Real OPA servers for tests. */
export { OpaServer, type OpaServerOptions, startOpa } from "./opa_server.ts";
