/**
 * Child program of tests: opens the log in the directory given and appends to it one record after
 * the other, printing `acknowledged N` for each, until it is killed.
 *
 * @module
 */
import { openSingleMemberLog } from "../../../journal/log/mod.ts";

const [directory = ""] = Deno.args;
const log = await openSingleMemberLog({ directory });
const out = new TextEncoder();
// Ends with the process: the test kills it.
while (true) {
  const { index } = await log.propose(out.encode("a record of the test ".repeat(10)));
  Deno.stdout.writeSync(out.encode(`acknowledged ${index}\n`));
}
