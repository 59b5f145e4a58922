/**
 * Runs tools: limits, arguments, rates, the backend, and every outcome as a result. It owns the
 * counts of recent calls and the ids of recent writes; both live as long as the process.
 */
import { ConnectError } from "@connectrpc/connect";
import type { Clock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { canonicalJson, type JsonValue } from "../../common/json/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { type Backend, TimedOut, Unreachable, Untrusted } from "../backend/mod.ts";
import type { Settings } from "../config/mod.ts";
import {
  admitCall,
  initialRateState,
  quoteOutput,
  redactorFor,
  RequestIds,
  truncateMiddle,
  withoutControls,
} from "../safety/mod.ts";
import { requireOffered } from "./registry.ts";
import type { Answer, Tool, ToolContext } from "./tool.ts";
import { ToolError } from "./tool.ts";

/** What the tools work with. */
export interface CallerOptions {
  readonly settings: Settings;
  readonly backend: Backend;
  /** The server's own token: absent, nothing that needs one runs; present, it is never shown. */
  readonly token: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly randomId: () => string;
}

/** See the head of this file. */
export class ToolCaller {
  readonly #requestIds: RequestIds;
  readonly #redact: (text: string) => string;
  #rates = initialRateState;

  constructor(private readonly options: CallerOptions) {
    this.#requestIds = new RequestIds(options.randomId);
    this.#redact = redactorFor(options.token);
  }

  /** Calls a tool. Whatever goes wrong is part of the answer; it never throws. */
  async call(tool: Tool, args: JsonValue, signal: AbortSignal): Promise<Answer> {
    const { log } = this.options;
    try {
      const answer = await this.#run(tool, args, signal);
      log.info("tool called", { tool: tool.name, failed: answer.isError ?? false });
      return this.#clean(answer);
    } catch (error) {
      const text = this.#describe(error, tool);
      log.warn("tool refused or failed", { tool: tool.name, text });
      return this.#clean({ text, isError: true });
    }
  }

  async #run(tool: Tool, args: JsonValue, signal: AbortSignal): Promise<Answer> {
    const { settings, backend, token } = this.options;
    requireOffered(tool, settings);
    this.#countCall(tool);
    const work = tool.prepare(args);
    if (tool.needsToken && token === undefined) {
      throw new ToolError("not authenticated — set PACT_MCP_TOKEN");
    }
    const context: ToolContext = {
      settings,
      backend,
      signal,
      requestId: () => this.#requestId(tool, args),
      quote: (text) => quoteOutput(this.#redact(text), settings.maxOutputBytes),
    };
    return await work(context);
  }

  #countCall(tool: Tool): void {
    const nowMs = this.options.clock.monotonicMs();
    const { state, waitMs } = admitCall(this.#rates, tool.rates, nowMs);
    this.#rates = state;
    if (waitMs > 0) throw new ToolError(`rate limited, retry in ${Math.ceil(waitMs / 1000)}s`);
  }

  #requestId(tool: Tool, args: JsonValue): string {
    const write = canonicalJson([tool.name, args]);
    return this.#requestIds.idFor(write, this.options.clock.monotonicMs());
  }

  /** Nothing secret, nothing that moves a cursor, nothing endless leaves the process. */
  #clean({ text, structured, isError = false }: Answer): Answer {
    const shown = this.#redact(withoutControls(text));
    return {
      text: truncateMiddle(shown, this.options.settings.maxOutputBytes),
      ...(structured === undefined ? {} : { structured: this.#cleanMembers(structured) }),
      isError,
    };
  }

  #cleanMembers(members: Record<string, unknown>): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(members).map(([name, value]) => [name, this.#cleanValue(value)]),
    );
  }

  #cleanValue(value: unknown): unknown {
    if (typeof value === "string") return this.#redact(withoutControls(value));
    if (Array.isArray(value)) return value.map((item) => this.#cleanValue(item));
    if (typeof value !== "object" || value === null) return value;
    return this.#cleanMembers({ ...value });
  }

  /** An error as the assistant sees it; what is not meant for it goes to the log alone. */
  #describe(error: unknown, tool: Tool): string {
    if (error instanceof PactError) return describeRefusal(error, tool.action);
    if (error instanceof ToolError || error instanceof TimedOut) return `Error: ${error.message}`;
    if (error instanceof Unreachable || error instanceof Untrusted) {
      this.options.log.warn("backend", { tool: tool.name, reason: reasonOf(error) });
      return `Error: ${error.message}`;
    }
    this.options.log.error("internal error", { tool: tool.name, reason: reasonOf(error) });
    return "Error: internal error, see the server's log";
  }
}

/** What a server refused: with the policy's reason where the policy did (MCP-60). */
function describeRefusal({ code, message, trailers }: PactError, action: string): string {
  const reason = withoutControls(message).replace(new RegExp(`^${code}: `), "");
  switch (code) {
    case "PERMISSION_DENIED":
    case "POLICY_DENIED":
      return `Denied: ${reason} (policy: ${
        trailers["x-pact-policy-ref"] ?? `rbac:denied:${action}`
      })`;
    case "UNAUTHENTICATED":
      return `Error: not authenticated: ${reason}`;
    default:
      return `Error: ${reason}`;
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause ?? error : error;
  if (cause instanceof ConnectError) return cause.rawMessage;
  return cause instanceof Error ? cause.message : String(cause);
}
