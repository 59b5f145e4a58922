/**
 * The process `pact`. It owns the standard streams and the signal handlers, and ends by exiting with
 * the status of the command (cli.md section 2).
 */
import { denoHost } from "./host/mod.ts";
import { runPact } from "./program/mod.ts";

/** After Ctrl-C a command may tidy up this long before the process ends anyway. */
const INTERRUPT_GRACE_MS = 1000;

const INTERRUPTED = 130;

const interrupt = new AbortController();
const late = Promise.withResolvers<number>();
Deno.addSignalListener("SIGINT", () => {
  interrupt.abort();
  setTimeout(() => late.resolve(INTERRUPTED), INTERRUPT_GRACE_MS);
});
Deno.exit(await Promise.race([runPact(Deno.args, denoHost(), interrupt.signal), late.promise]));
