import { EXIT, Failure, toFailure } from "../failure/mod.ts";
import { loadConfig } from "../config/mod.ts";
import { BrokenPipe, type Host } from "../host/mod.ts";
import { createOutput, type Output } from "../output/mod.ts";
import { type Invocation, parseCommandLine } from "./parse.ts";

/**
 * Runs one `pact` command to its end and says what the process should exit with. It never throws and
 * never exits by itself; `signal` stands for Ctrl-C.
 */
export async function runPact(
  args: readonly string[],
  host: Host,
  signal: AbortSignal,
): Promise<number> {
  const invocation = parseCommandLine(args, host.stdout.columns);
  const format = formatHint(args, invocation, host);
  const color = (invocation.kind !== "run" || invocation.color) &&
    host.env("NO_COLOR") === undefined;
  const out = createOutput(host, format, color);
  try {
    switch (invocation.kind) {
      case "print":
        await host.stdout.write(new TextEncoder().encode(invocation.text));
        return EXIT.ok;
      case "wrong":
        throw new Failure("USAGE", invocation.message, EXIT.general, invocation.hints);
      case "run":
        return await runAction(invocation, host, signal, color);
    }
  } catch (error) {
    return await report(error, out, signal);
  }
}

async function runAction(
  invocation: Extract<Invocation, { kind: "run" }>,
  host: Host,
  signal: AbortSignal,
  color: boolean,
): Promise<number> {
  const { action, flags, assumeYes, verbosity } = invocation;
  const config = await loadConfig(host, flags, action.tolerant);
  const { settings } = config;
  const out = createOutput(host, settings.output, color);
  // Loaded only now: help, version and completion answer without the RPC stack (ACC-C6).
  const { Session } = await import("../session/mod.ts");
  const session = new Session(host, settings, signal);
  try {
    for (const warning of config.warnings) await out.note(`Warning: ${warning}`);
    if (verbosity > 0) {
      await out.note(`configuration: ${config.path ?? "none"}${config.exists ? "" : " (absent)"}`);
      await out.note(`endpoints: ${settings.endpoints.join(", ")}`);
    }
    return await action.run({
      host,
      out,
      flags,
      config,
      settings,
      session,
      signal,
      assumeYes,
    });
  } catch (error) {
    return await report(error, out, signal);
  } finally {
    session.close();
  }
}

async function report(error: unknown, out: Output, signal: AbortSignal): Promise<number> {
  if (error instanceof BrokenPipe) return EXIT.ok;
  const failure = toFailure(error);
  if (signal.aborted || failure.code === "INTERRUPTED") return EXIT.interrupted;
  try {
    await out.failure(failure);
  } catch (failed) {
    // Nobody reads standard error any more; the exit code still says it.
    if (!(failed instanceof BrokenPipe)) throw failed;
  }
  return failure.exitCode;
}

/** The form of output before the configuration is known: errors of the command line need one too. */
function formatHint(args: readonly string[], invocation: Invocation, host: Host) {
  if (invocation.kind === "run") {
    const named = invocation.flags["output"] ?? host.env("PACT_OUTPUT");
    return named === "json" ? "json" : "text";
  }
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  const at = own.indexOf("--output");
  const named = at < 0
    ? own.find((arg) => arg.startsWith("--output="))?.slice("--output=".length)
    : own[at + 1];
  return (named ?? host.env("PACT_OUTPUT")) === "json" ? "json" : "text";
}
