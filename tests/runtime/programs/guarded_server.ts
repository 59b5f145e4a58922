/** An RPC server with one plain route. Prints `port N` and serves until it is killed. */

import { serveRpc } from "../../../common/rpc_server/mod.ts";

const server = await serveRpc({
  name: "probe",
  listen: { hostname: "127.0.0.1", port: 0 },
  routes: () => {},
  httpRoutes: {
    "/plain": () => ({ status: 200, contentType: "text/plain", body: "hello\n" }),
  },
});
console.log(`port ${server.port}`);
