/** Where the node keeps its audit events. */
export { type FileAuditSink, type FileSinkOptions, openFileSink } from "./file_sink.ts";
