import { loadConfig } from "../config/mod.ts";
import { EXIT, Failure, toFailure } from "../failure/mod.ts";
import { BrokenPipe, type Host } from "../host/mod.ts";
import { createOutput, type Output, type OutputFormat } from "../output/mod.ts";
import { Session } from "../session/mod.ts";
import type { Invocation } from "./parse.ts";

type Wrong = Extract<Invocation, { kind: "wrong" }>;
type Run = Extract<Invocation, { kind: "run" }>;

/** Where a command runs. */
export interface Surroundings {
  readonly args: readonly string[];
  readonly host: Host;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Runs a command, or says what is wrong with the command line; resolves to the exit code. */
export async function execute(
  invocation: Wrong | Run,
  surroundings: Surroundings,
): Promise<number> {
  const { host, signal } = surroundings;
  const color = (invocation.kind === "wrong" || invocation.color) &&
    host.env("NO_COLOR") === undefined;
  const out = createOutput(host, provisionalFormat(invocation, surroundings), color);
  try {
    if (invocation.kind === "run") return await runAction(invocation, host, signal, color);
    throw new Failure("USAGE", invocation.message, EXIT.general, invocation.hints);
  } catch (error) {
    return await report(error, out, signal);
  }
}

async function runAction(
  { action, flags, assumeYes, verbosity }: Run,
  host: Host,
  signal: AbortSignal,
  color: boolean,
): Promise<number> {
  const config = await loadConfig(host, flags, action.tolerant);
  const { settings } = config;
  const out = createOutput(host, settings.output, color);
  const session = new Session(host, settings, signal);
  try {
    for (const warning of config.warnings) await out.note(`Warning: ${warning}`);
    if (verbosity > 0) {
      await out.note(`configuration: ${config.path ?? "none"}${config.exists ? "" : " (absent)"}`);
      const named = settings.server ?? settings.endpoints.join(", ");
      await out.note(`endpoints: ${named || "of the login, else this machine"}`);
    }
    return await action.run({ host, out, flags, config, settings, session, signal, assumeYes });
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

/** The form of output before the configuration is known: an error may come first. */
function provisionalFormat(
  invocation: Wrong | Run,
  { args, host }: Surroundings,
): OutputFormat {
  const named = invocation.kind === "run" ? invocation.flags["output"] : outputOption(args);
  return (named ?? host.env("PACT_OUTPUT")) === "json" ? "json" : "text";
}

/** The value of --output on a command line that could not be parsed. */
function outputOption(args: readonly string[]): string | undefined {
  const end = args.indexOf("--");
  const own = end < 0 ? args : args.slice(0, end);
  const at = own.indexOf("--output");
  if (at >= 0) return own[at + 1];
  return own.find((arg) => arg.startsWith("--output="))?.slice("--output=".length);
}
