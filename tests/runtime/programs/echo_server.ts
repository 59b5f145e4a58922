/**
 * The echo service in cleartext, on Connect's own adapter. Prints `port N` and serves until it is
 * killed.
 */

import * as http2 from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { installHttp2Guard } from "../../../common/rpc/mod.ts";
import { EchoService } from "../../support/mod.ts";

installHttp2Guard();
const server = http2.createServer(connectNodeAdapter({
  routes: (router) =>
    router.service(EchoService, {
      echo: (request) => request,
      async *repeat(request, context) {
        context.signal.addEventListener("abort", () => console.log("aborted"));
        while (!context.signal.aborted) {
          yield request;
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      },
    }),
}));
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(`port ${address.port}`);
});
