/** Task `sim`: simulates quorums from seeds, see `simCommand`. */
import { simCommand, simOutput } from "../journal/sim/mod.ts";

if (import.meta.main) Deno.exit(simCommand(Deno.args, simOutput()));
