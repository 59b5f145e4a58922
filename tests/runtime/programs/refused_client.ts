/**
 * A client without a certificate that calls a server which requires one, eight times. Arguments: the
 * origin, the CA's file, and `bare` or `ours` for the transport. Prints how many of the calls were
 * told that they failed within a second.
 */

import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { createRpcTransport } from "../../../common/rpc/mod.ts";
import { EchoService } from "../../support/mod.ts";

const [endpoint = "", caFile = "", kind] = Deno.args;
const caPem = Deno.readTextFileSync(caFile);
let told = 0;
for (let visit = 0; visit < 8; visit++) {
  const sessionManager = new Http2SessionManager(endpoint, {}, { ca: [caPem] });
  using ours = createRpcTransport({ endpoint, caPem });
  const transport = kind === "ours"
    ? ours
    : createGrpcTransport({ baseUrl: endpoint, sessionManager });
  const failure = createClient(EchoService, transport).echo({}).then(() => false, () => true);
  const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 1_000));
  if (await Promise.race([failure, late])) told++;
}
console.log(told);
Deno.exit(0);
