import {
  type AgentScript,
  createTestPki,
  type JournalScript,
  type ScriptedServer,
  startScriptedAgent,
  startScriptedJournal,
  type TestPki,
} from "../../support/mod.ts";
import { McpClient } from "./mcp_client.ts";

/** What pact-mcp talks to. */
export interface Scenario {
  /** Undefined: nothing listens where the journal should. */
  readonly journal?: JournalScript;
  /** By node id; a script of `null` is an address at which nothing listens. */
  readonly agents?: Readonly<Record<string, AgentScript | null>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Undefined: the newest; `null`: no handshake. */
  readonly protocolVersion?: string | null;
}

/** A running pact-mcp with its servers. */
export interface Stage extends AsyncDisposable {
  readonly client: McpClient;
  readonly journal: ScriptedServer | undefined;
  readonly agents: ReadonlyMap<string, ScriptedServer>;
}

let sharedPki: Promise<TestPki> | undefined;

/** One CA for all tests of a file. */
export function pki(): Promise<TestPki> {
  sharedPki ??= createTestPki();
  return sharedPki;
}

/** A token whose claims nobody verifies here. */
export function tokenOf(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: object) =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
  return `${part({ alg: "HS256" })}.${part(claims)}.c2ln`;
}

/** The token of an assistant. */
export const aiToken = tokenOf({ sub: "assistant-1", pact_role: "pact-service-ai" });

/** An address at which nothing listens. */
export const nowhere = "https://127.0.0.1:1";

/** Starts servers and pact-mcp and shakes hands. */
export async function stage(scenario: Scenario): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const certificates = await pki();
  const journal = scenario.journal === undefined
    ? undefined
    : stack.use(await startScriptedJournal(certificates, scenario.journal));
  const agents = new Map<string, ScriptedServer>();
  const addresses: string[] = [];
  for (const [node, script] of Object.entries(scenario.agents ?? {})) {
    if (script === null) {
      addresses.push(`${node}=${nowhere}`);
      continue;
    }
    const agent = stack.use(await startScriptedAgent(certificates, node, script));
    agents.set(node, agent);
    addresses.push(`${node}=${agent.url}`);
  }
  const client = stack.use(
    new McpClient({
      PACT_ENDPOINT: journal?.url ?? nowhere,
      PACT_AGENT_ENDPOINTS: addresses.join(","),
      PACT_CA_PEM: certificates.caPem,
      PACT_MCP_TOKEN: aiToken,
      ...scenario.env,
    }),
  );
  const { protocolVersion } = scenario;
  if (protocolVersion !== null) await client.initialize(protocolVersion);
  const owned = stack.move();
  return { client, journal, agents, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
