import { BrokenPipe, type Host } from "../host/mod.ts";
import { parseCommandLine } from "./parse.ts";

/**
 * Runs one `pact` command to its end and says what the process should exit with. It never throws and
 * never exits by itself; `signal` stands for Ctrl-C.
 */
export async function runPact(
  args: readonly string[],
  host: Host,
  signal: AbortSignal,
): Promise<number> {
  const invocation = await parseCommandLine(args, host.stdout.columns);
  if (invocation.kind === "print") return await print(invocation.text, host);
  // Loaded only now: help, version and completion answer without configuration and RPC (ACC-C6).
  const { execute } = await import("./execute.ts");
  return await execute(invocation, { args, host, signal });
}

async function print(text: string, host: Host): Promise<number> {
  try {
    await host.stdout.write(new TextEncoder().encode(text));
  } catch (error) {
    if (!(error instanceof BrokenPipe)) throw error;
  }
  return 0;
}
