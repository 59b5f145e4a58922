/**
 * The life of the network worker: configured by the core, then link and shell, which are loaded then.
 */

import type { agentport } from "../../api/mod.ts";
import { ConfigError } from "../../common/config/mod.ts";
import {
  loadAgentConfig,
  type LoadedAgentConfig,
  optionalFiles,
  wantedFiles,
} from "../config/mod.ts";
import { type ByteChannel, openWorkerPort, type WorkerPort } from "../port/mod.ts";
import type { RunningWorker } from "./running_worker.ts";

/** Most frames that wait while the link is loaded. */
const MAX_WAITING = 1_024;

/** Starts the worker on its channel to the core. */
export function startWorker(channel: ByteChannel): void {
  let running: RunningWorker | undefined;
  const waiting: agentport.CoreFrame["frame"][] = [];
  const start = async (
    { settings, nodeId, config }: LoadedAgentConfig,
    input: agentport.Configure,
  ) => {
    const loaded = import("./running_worker.ts");
    // A check says yes of a program that is whole, and leaves all of it in the runtime's code cache.
    if (input.checkOnly) await Promise.all([loaded, import("./shell.ts")]);
    port.send({ case: "configured", value: config });
    if (input.checkOnly) return;
    const { RunningWorker } = await loaded;
    running = new RunningWorker(port, settings, nodeId, input);
    for (const frame of waiting.splice(0)) running.onFrame(frame);
  };
  let read: LoadedAgentConfig | undefined;
  const port = openWorkerPort(channel, (frame) => {
    if (frame.case === "ping") return port.send({ case: "pong", value: frame.value });
    if (frame.case !== "configure") {
      if (running !== undefined) return running.onFrame(frame);
      if (waiting.length === MAX_WAITING) throw new Error("the core said too much too early");
      waiting.push(frame);
      return;
    }
    // What comes once more is the same with the files that it names.
    const loaded = configure(port, frame.value, () => read ??= loadAgentConfig(frame.value));
    if (loaded === undefined) return;
    start(loaded, frame.value).catch((error: unknown) =>
      port.send({ case: "fatal", value: { reason: `network worker not started: ${error}` } })
    );
  });
}

/** Reads the configuration; undefined when it is refused or files are missing. */
function configure(
  port: WorkerPort,
  input: agentport.Configure,
  read: () => LoadedAgentConfig,
): LoadedAgentConfig | undefined {
  try {
    const loaded = read();
    const missing = wantedFiles(loaded.settings)
      .filter((path) => !Object.hasOwn(input.files, path));
    if (missing.length === 0) return loaded;
    port.send({
      case: "configRefused",
      value: { wantedFiles: missing, optionalFiles: optionalFiles(loaded.settings) },
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    port.send({ case: "configRefused", value: { reason: error.message } });
    return undefined;
  }
}
