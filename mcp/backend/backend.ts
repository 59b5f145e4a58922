import { type Clock, systemClock } from "../../common/clock/mod.ts";
import { journalDefaultPort, parseEndpoint } from "../../common/rpc/mod.ts";
import { VERSION } from "../../common/version/mod.ts";
import type { Settings } from "../config/mod.ts";
import { Agents } from "./agents.ts";
import { JournalLink } from "./journal_link.ts";

/** The servers behind the tools. */
export interface Backend {
  readonly journal: JournalLink;
  readonly agents: Agents;
}

/** What the connections are made with. */
export interface Credentials {
  readonly token: string | undefined;
  readonly caPem: string | undefined;
}

/**
 * The connections of one server; nothing is dialled before the first call (MCP-20).
 *
 * @throws {EndpointError} when PACT_ENDPOINT is no address.
 */
export function createBackend(
  settings: Settings,
  { token, caPem }: Credentials,
  clock: Clock = systemClock,
): Backend {
  const transport = {
    // What audit records show beside the authenticated principal (MCP-11).
    clientName: `service/ai-agent/${settings.name} pact-mcp/${VERSION}`,
    ...(token === undefined ? {} : { token }),
    ...(caPem === undefined ? {} : { caPem }),
  };
  const hasCa = caPem !== undefined;
  const endpoints = settings.endpoints.map((address) =>
    parseEndpoint(address, { hasCa, defaultPort: journalDefaultPort })
  );
  return {
    journal: new JournalLink({ endpoints, transport, clock }),
    agents: new Agents(settings, transport),
  };
}
