/**
 * Child program of bench:boot: the runtime's HTTP/2 over TLS with nothing of ours, answering every
 * request with one buffer. What it keeps in memory is the runtime's share of what a journal keeps.
 * Arguments: certificate, key, CA of the clients, file to serve, port.
 */
import * as http2 from "node:http2";
import { installHttp2Guard } from "../../common/rpc/mod.ts";

const [certFile = "", keyFile = "", caFile = "", contentFile = "", port = ""] = Deno.args;
installHttp2Guard();
const content = await Deno.readFile(contentFile);
const server = http2.createSecureServer({
  cert: await Deno.readTextFile(certFile),
  key: await Deno.readTextFile(keyFile),
  ca: [await Deno.readTextFile(caFile)],
  requestCert: true,
  rejectUnauthorized: true,
  minVersion: "TLSv1.3",
});
server.on("session", (session) => session.on("error", () => {}));
server.on("stream", (stream) => {
  stream.on("error", () => {});
  stream.respond({ ":status": 200 });
  stream.end(content);
});
server.listen(Number(port), "127.0.0.1");
