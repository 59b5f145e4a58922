/**
 * `pact-agent`: starts the network worker (`worker.ts`), which reads bytes from the network, and beside it
 * the core isolate. Both are large, and each has a processor of its own while it is loaded; so nothing
 * is imported here that either of them needs.
 */

import { VERSION } from "../common/version/mod.ts";
import { coreArguments, USAGE, workerPermissions } from "./start/mod.ts";

const env = (name: string) => Deno.env.get(name);
const args = coreArguments(Deno.args, env);
if (args.help || args.version) {
  console.log(args.help ? USAGE : `pact-agent ${VERSION}`);
  Deno.exit(0);
}
// The first use of the runtime's TLS library collects randomness of its own for 20 ms, a second where the
// processor is emulated. Begun here it is over, on a thread of its own, before the first handshake.
crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]).catch(() => {});
const worker = new Worker(new URL("./worker.ts", import.meta.url), {
  type: "module",
  name: "pact-agent network",
  deno: { permissions: workerPermissions(args.root) },
});
const { runAgent } = await import("./process/mod.ts");
Deno.exit(await runAgent({ args, env, worker }));
