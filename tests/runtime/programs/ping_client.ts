/**
 * A bare Connect client that keeps a stream open with pings, for a server that will be stopped.
 * Argument: the port. Prints `streaming`, then `caught CODE`, and ends well half a second later.
 */

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { EchoService } from "../../support/mod.ts";

const [port] = Deno.args;
const transport = createGrpcTransport({
  baseUrl: `http://127.0.0.1:${port}`,
  pingIntervalMs: 50,
  pingTimeoutMs: 100,
});
try {
  for await (const _ of createClient(EchoService, transport).repeat({})) console.log("streaming");
} catch (error) {
  console.log(`caught ${Code[ConnectError.from(error).code]}`);
}
await new Promise((resolve) => setTimeout(resolve, 500));
console.log("ended well");
Deno.exit(0);
