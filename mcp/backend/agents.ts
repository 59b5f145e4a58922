import { type CallOptions, type Client, createClient } from "@connectrpc/connect";
import { shell } from "../../api/mod.ts";
import { createRpcTransport, type RpcTransportOptions } from "../../common/rpc/mod.ts";
import type { Settings } from "../config/mod.ts";
import { agentEndpoint } from "./endpoints.ts";
import { readFailure } from "./failure.ts";

/** A client of one agent. */
export type AgentClient = Client<typeof shell.ShellService>;

/** How long a call may take and what ends it early. */
export interface AgentCall {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** Calls to the agents of nodes, each over a connection of its own that ends with the call. */
export class Agents {
  constructor(
    private readonly settings: Settings,
    private readonly transport: Omit<RpcTransportOptions, "endpoint">,
  ) {}

  /**
   * Calls the agent of `node`. Its certificate must name the node before the token is sent (CLI-41).
   *
   * @throws {BackendFailure}
   */
  async call<T>(
    node: string,
    work: (agent: AgentClient, options: CallOptions) => Promise<T>,
    { signal, timeoutMs }: AgentCall,
  ): Promise<T> {
    const address = agentEndpoint(node, this.settings, this.transport.caPem !== undefined);
    try {
      using transport = createRpcTransport({ ...this.transport, ...address });
      return await work(createClient(shell.ShellService, transport), { signal, timeoutMs });
    } catch (error) {
      throw readFailure(error, "agent", timeoutMs);
    }
  }
}
