/** Where the node keeps its audit events. */
export { AuditTrail } from "./audit_trail.ts";
export { type FileAuditSink, type FileSinkOptions, openFileSink } from "./file_sink.ts";
