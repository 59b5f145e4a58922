import type { Settings } from "../config/mod.ts";
import { LOCAL_NODE } from "./agent_address.ts";

/** How long an agent on this machine may take to accept, in milliseconds. */
const LOCAL_PROBE_MS = 300;

/**
 * The node a command means when none was named: PACT_NODE, else this machine when an agent listens
 * on it (CLI-42). Undefined when neither holds.
 */
export async function localNode(settings: Settings): Promise<string | undefined> {
  if (settings.node !== undefined) return settings.node;
  if (settings.agentEndpoint !== undefined) return LOCAL_NODE;
  return await accepts("127.0.0.1", settings.agentPort) ? LOCAL_NODE : undefined;
}

async function accepts(hostname: string, port: number): Promise<boolean> {
  try {
    const connection = await Deno.connect({
      hostname,
      port,
      signal: AbortSignal.timeout(LOCAL_PROBE_MS),
    });
    connection.close();
    return true;
  } catch {
    return false;
  }
}
