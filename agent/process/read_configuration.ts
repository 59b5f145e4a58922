/** Reading the configuration: with the worker, and without an agent around it. */

import type { agentport } from "../../api/mod.ts";
import { openShim, type Shim } from "../../ffi/mod.ts";
import { openCorePort } from "../port/mod.ts";
import type { CoreArguments } from "../start/mod.ts";
import type { AgentProcessOptions } from "./agent.ts";
import { ConfigurationError, configureFrame } from "./configure.ts";
import { ConfigureExchange } from "./configure_exchange.ts";

/** Reads and checks the configuration alone. */
export async function readConfiguration(
  options: AgentProcessOptions,
): Promise<Pick<agentport.AgentConfig, "warnings" | "supervisorBackend">> {
  const shim = openAgentShim(options.args);
  const { worker } = options;
  try {
    const frame = firstFrame(shim, options);
    frame.checkOnly = true;
    const exchange = new ConfigureExchange(shim.files, frame);
    const port = openCorePort(worker, {
      onFrame: (frame) => {
        if (frame.case === "configured" || frame.case === "configRefused") {
          exchange.onFrame(frame, port);
        }
      },
      onFailure: (error) => exchange.fail(String(error)),
      onViolation: (error) => exchange.fail(error.message),
    });
    exchange.begin(port);
    return await exchange.configured;
  } finally {
    worker.terminate();
    shim.close();
  }
}

/** The native library of this run. Throws {@link ConfigurationError} and ShimLoadError. */
export function openAgentShim({ shimPath, isRootless }: CoreArguments): Shim {
  if (shimPath === undefined) return openShim({ mode: "production" });
  if (!isRootless) {
    throw new ConfigurationError("--shim is for development: give --profile rootless with it");
  }
  return openShim({ path: shimPath, mode: "development" });
}

/** What the worker is told first. */
export function firstFrame(shim: Shim, { args, env }: AgentProcessOptions): agentport.Configure {
  return configureFrame(shim.files, args, env, { hostname: shim.system.names().hostname });
}
