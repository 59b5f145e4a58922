import { systemClock } from "../common/clock/mod.ts";
import type { Logger } from "../common/log/mod.ts";
import { createBackend } from "./backend/mod.ts";
import { readCa, readToken, requireMachineToken, type Settings } from "./config/mod.ts";
import { createMcpServer, type StdioStreams, StdioTransport } from "./protocol/mod.ts";
import { ToolCaller, TOOLS } from "./tools/mod.ts";

/** How long running calls may take after the end of input (MCP-7). */
const lastCallsMs = 5_000;

/**
 * Serves the protocol until the client closes its end; running calls get 5 s to finish (MCP-7).
 *
 * @throws {ConfigError} for a token or CA that cannot be used, before anything is read or written.
 * @throws {EndpointError} when PACT_ENDPOINT is no address.
 */
export async function serveMcp(
  settings: Settings,
  streams: StdioStreams,
  log: Logger,
): Promise<void> {
  const token = await readToken(settings);
  if (token === undefined) {
    log.warn("no token: tools will answer that they are not authenticated; set PACT_MCP_TOKEN");
  } else if (!settings.allowHumanToken) {
    requireMachineToken(token);
  }
  for (const name of settings.tools ?? []) {
    if (TOOLS.some((tool) => tool.name === name)) continue;
    log.warn("PACT_MCP_TOOLS names a tool that there is not", { name });
  }
  const caPem = await readCa(settings);
  const backend = createBackend(settings, { token, caPem });
  const caller = new ToolCaller({
    settings,
    backend,
    token,
    clock: systemClock,
    log,
    randomId: () => crypto.randomUUID(),
  });
  const { server, whenIdle } = createMcpServer({ settings, caller, log });
  const transport = new StdioTransport(streams);
  await server.connect(transport);
  await transport.inputEnded;
  await withinMs(lastCallsMs, whenIdle());
  await server.close();
  await backend.journal.close();
}

/** Waits for the work, but no longer than so many milliseconds. */
async function withinMs(limitMs: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = systemClock.setTimer(limitMs, late.resolve);
  try {
    await Promise.race([work, late.promise]);
  } finally {
    systemClock.clearTimer(timer);
  }
}
