/** The life of the agent's core from its start to the status that its process ends with. */

import { PathError } from "../../contracts/mod.ts";
import { ShimLoadError } from "../../ffi/mod.ts";
import { endingOf, initFacts, STOP_SIGNALS, type StopSignal } from "../init/mod.ts";
import { SystemdMissingError } from "../systemd/mod.ts";
import { type AgentProcess, type AgentProcessOptions, startAgent } from "./agent.ts";
import { ConfigurationError } from "./configure.ts";
import { readConfiguration } from "./read_configuration.ts";
import { holdNode } from "./stranded.ts";

const EXIT_CONFIGURATION = 1;
const EXIT_ENVIRONMENT = 2;
const EXIT_FATAL = 3;

/** Runs the agent to its end; resolves with the exit status of AGT-3, and says on stderr what failed. */
export async function runAgent(options: AgentProcessOptions): Promise<number> {
  try {
    return await run(options);
  } catch (error) {
    console.error(`pact-agent: ${error instanceof Error ? error.message : String(error)}`);
    return exitCode(error);
  }
}

async function run(options: AgentProcessOptions): Promise<number> {
  const { args, env } = options;
  if (args.variant) return print((await readConfiguration(options)).supervisorBackend);
  if (args.checkConfig) {
    for (const warning of (await readConfiguration(options)).warnings) console.error(warning);
    return print("configuration is valid");
  }
  const stop = stopSignal();
  const agent = await startOrHold(options, stop);
  if (agent === undefined) return 0;
  Deno.addSignalListener("SIGHUP", () => agent.hangUp());
  const ended = await Promise.race([stop, agent.failed, agent.upgrading]);
  if (typeof ended === "object") {
    console.error(`pact-agent: ${ended.reason}`);
    // Services live on; the next agent adopts them (INI-30).
    await agent.stop({ keepServices: true });
    return ended.isEnvironment ? EXIT_ENVIRONMENT : EXIT_FATAL;
  }
  if (ended === "upgrade") {
    await agent.stop({ keepServices: true, isUpgrade: true });
    return 0;
  }
  const keepServices = env("PACT_KEEP_SERVICES") === "1";
  const left = await agent.stop(endingOf(ended, { isInit: agent.isInit, keepServices }));
  for (const name of left) console.error(`pact-agent: service ${name} could not be stopped`);
  return 0;
}

/** The agent; undefined once a node that could not be configured was held and let go (ACF-1). */
async function startOrHold(
  options: AgentProcessOptions,
  stop: Promise<StopSignal>,
): Promise<AgentProcess | undefined> {
  try {
    return await startAgent(options);
  } catch (error) {
    const facts = initFacts(options.env);
    if (!(error instanceof ConfigurationError) || facts === undefined) throw error;
    const { promise: again, resolve } = Promise.withResolvers<"SIGHUP">();
    Deno.addSignalListener("SIGHUP", () => resolve("SIGHUP"));
    await holdNode(facts, error.message, Promise.race([stop, again]));
    return undefined;
  }
}

function stopSignal(): Promise<StopSignal> {
  const { promise, resolve } = Promise.withResolvers<StopSignal>();
  for (const signal of STOP_SIGNALS) {
    Deno.addSignalListener(signal, () => resolve(signal));
  }
  return promise;
}

function print(text: string): number {
  console.log(text);
  return 0;
}

/** Exit codes of AGT-3: the configuration, the surroundings, or the agent itself is at fault. */
function exitCode(error: unknown): number {
  if (error instanceof ConfigurationError) return EXIT_CONFIGURATION;
  const isEnvironment = error instanceof ShimLoadError ||
    error instanceof SystemdMissingError || error instanceof PathError;
  return isEnvironment ? EXIT_ENVIRONMENT : EXIT_FATAL;
}
