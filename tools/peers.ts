/** Task `peers`: builds the programs of others that tests run for real. `deno task peers [NAME...]` */
import { buildPeer, isPeer, PeerBuildError, PEERS } from "./peers/mod.ts";

const names = Deno.args.length > 0 ? Deno.args : Object.keys(PEERS);
for (const name of names) {
  if (!isPeer(name)) {
    console.error(`no peer ${name}; there is: ${Object.keys(PEERS).join(", ")}`);
    Deno.exit(2);
  }
  console.log(`${name} ...`);
  try {
    const { folder, isNew } = await buildPeer(name);
    console.log(`${name} ${isNew ? "built" : "is there"}: ${folder}`);
  } catch (error) {
    if (!(error instanceof PeerBuildError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}
