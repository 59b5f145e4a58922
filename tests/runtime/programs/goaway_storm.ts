/**
 * Clients that come, call and leave with a GOAWAY, many at a time, against a server in the same
 * process. Arguments: `guarded` or `bare`, and the number of rounds. Prints `survived` at the end.
 */

import * as http2 from "node:http2";
import { installHttp2Guard } from "../../../common/rpc/mod.ts";

const [guard, rounds] = Deno.args;
if (guard === "guarded") installHttp2Guard();

const server = http2.createServer();
server.on("stream", (stream) => {
  stream.on("error", () => {});
  stream.respond({ ":status": 200 });
  stream.end("x");
});
server.on("session", (session) => session.on("error", () => {}));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = server.address();
if (address === null || typeof address === "string") throw new Error("no port");
const origin = `http://127.0.0.1:${address.port}`;

/** The ways in which a client takes its leave. */
const leaves: ((session: http2.ClientHttp2Session) => void)[] = [
  (session) => session.close(),
  (session) => {
    session.goaway(0);
    setTimeout(() => session.destroy(), 5);
  },
  (session) => session.destroy(),
  (session) => {
    session.goaway(2);
    setTimeout(() => session.destroy(), 5);
  },
];

for (let round = 0; round < Number(rounds); round++) {
  await Promise.all(Array.from({ length: 16 }, (_, index) => visit(leaves[index % 4])));
}
console.log("survived");
Deno.exit(0);

function visit(leave: ((session: http2.ClientHttp2Session) => void) | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const session = http2.connect(origin);
  session.on("error", () => {});
  session.on("close", resolve);
  for (let call = 0; call < 3; call++) {
    const stream = session.request({ ":path": "/" });
    stream.on("error", () => {});
    stream.resume();
    if (call === 0) stream.on("end", () => leave?.(session));
    stream.end();
  }
  return promise;
}
