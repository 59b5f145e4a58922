/**
 * The Model Context Protocol over standard input and output.
 *
 * @module
 */
export { createMcpServer } from "./server.ts";
export { type StdioStreams, StdioTransport } from "./stdio_transport.ts";
