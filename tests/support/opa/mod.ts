/** Real OPA servers for tests, and both engines over the same rules. */
export { buildBundle, runOpa } from "./build_bundle.ts";
export { type BothEngines, openBothEngines } from "./engines.ts";
export { BASE_POLICIES, CHANGES, commitOf, setPolicy, siteWith, vc } from "./opa_site.ts";
export { OpaServer, type OpaServerOptions, startOpa } from "./opa_server.ts";
export { exampleInput } from "./example_input.ts";
