/** A server whose questions to its peers run on virtual time, and a peer that does not answer them. */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { type RpcServer, serveRpc } from "../../../../common/rpc_server/mod.ts";
import type { VirtualClock } from "../../../support/clock/mod.ts";
import { echoRoutes } from "../rpc/fixture.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const EMPTY_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

export async function serve(clock: VirtualClock): Promise<RpcServer> {
  return await serveRpc({
    name: "test",
    listen: { hostname: "127.0.0.1", port: 0 },
    routes: echoRoutes([]),
    peerClock: clock,
  });
}

/** A peer that speaks first and then never again, like a machine without power. */
export async function silentPeer({ port }: RpcServer): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.on("data", () => {});
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(Buffer.concat([PREFACE, EMPTY_SETTINGS]));
  return socket;
}
