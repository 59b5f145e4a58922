/**
 * The Model Context Protocol over standard input and output.
 *
 * @module
 */
export { CallQueueFull, CallSlots } from "./call_slots.ts";
export { readEnvelope } from "./envelope.ts";
export { type InputLine, readLines } from "./lines.ts";
export { createMcpServer } from "./server.ts";
export { type StdioStreams, StdioTransport } from "./stdio_transport.ts";
