/** `pact-agent`: the core isolate. What reads bytes from the network runs in `worker.ts`. */

import { VERSION } from "../common/version/mod.ts";
import { PathError } from "../contracts/mod.ts";
import { ShimLoadError } from "../ffi/mod.ts";
import { endingOf, initFacts, STOP_SIGNALS, type StopSignal } from "./init/mod.ts";
import { SystemdMissingError } from "./systemd/mod.ts";
import {
  type AgentProcess,
  type AgentProcessOptions,
  ConfigurationError,
  coreArguments,
  holdNode,
  readConfiguration,
  startAgent,
  USAGE,
  WORKER_PERMISSIONS,
} from "./process/mod.ts";

const EXIT_CONFIGURATION = 1;
const EXIT_ENVIRONMENT = 2;
const EXIT_FATAL = 3;

function startWorker(): Worker {
  return new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: "pact-agent network",
    deno: { permissions: WORKER_PERMISSIONS },
  });
}

async function main(): Promise<number> {
  const env = (name: string) => Deno.env.get(name);
  const args = coreArguments(Deno.args, env);
  if (args.help) return print(USAGE);
  if (args.version) return print(`pact-agent ${VERSION}`);
  const options = { args, env, startWorker };
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

try {
  Deno.exit(await main());
} catch (error) {
  console.error(`pact-agent: ${error instanceof Error ? error.message : String(error)}`);
  Deno.exit(exitCode(error));
}
