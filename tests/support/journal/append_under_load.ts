/**
 * Child program of tests: opens the replica in the directory given and lets several writers append
 * entries as fast as they are taken. Prints `ready`, then `acknowledged SEQUENCE TOKEN` for each
 * entry, whose message is the token, until it is killed.
 *
 * @module
 */
import { systemClock } from "../../../common/clock/mod.ts";
import { openReplica } from "../../../journal/replica/mod.ts";
import { append } from "./commands.ts";
import { ANN } from "./identities.ts";

const WRITERS = 8;

const [dataDir = "", run = ""] = Deno.args;
const replica = await openReplica({ dataDir, clock: systemClock, random: Math.random });
const encoder = new TextEncoder();
const print = (line: string) => Deno.stdout.writeSync(encoder.encode(`${line}\n`));

async function write(writer: number): Promise<void> {
  // Ends with the process: the test kills it.
  for (let count = 0;; count++) {
    const token = `${run}-${writer}-${count}`;
    const result = await replica.submit(
      append({ scope: { Node: `n${writer}` }, message: token }),
      { actor: ANN, requestId: token },
    );
    if (result.kind === "EntryAppended") print(`acknowledged ${result.sequence} ${token}`);
  }
}

print("ready");
await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
