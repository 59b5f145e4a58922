/** What the node is made of. */
export { capabilityReport, type ReportFacts, type ReportSources } from "./report.ts";
