/**
 * The connection to the journal, shared by all calls. It owns one transport, dialled when first
 * needed, kept while it works, and dialled again after a loss with growing pauses (MCP-20). It ends
 * by `close`.
 */
import { type CallOptions, type Client, createClient } from "@connectrpc/connect";
import { journal } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import {
  callHeaders,
  connectFirstReachable,
  type RpcTransport,
  type RpcTransportOptions,
} from "../../common/rpc/mod.ts";
import { isConnectionLost, readFailure, Unreachable } from "./failure.ts";

/** The journal's services that tools use. */
export interface JournalServices {
  readonly config: Client<typeof journal.ConfigService>;
  readonly fleet: Client<typeof journal.FleetService>;
}

/** What a link needs. */
export interface JournalLinkOptions {
  /** In order of preference. */
  readonly endpoints: readonly string[];
  readonly transport: Omit<RpcTransportOptions, "endpoint">;
  readonly clock: Clock;
}

/** What one call says of itself. */
export interface CallSituation {
  readonly signal: AbortSignal;
  /** Idempotency key of a write. */
  readonly requestId?: string;
}

/** Deadline of a call to the journal (MCP-24). */
const callTimeoutMs = 10_000;

const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

/** See the head of this file. */
export class JournalLink {
  #transport: Promise<RpcTransport> | undefined;
  #failedDials = 0;
  #dialNotBeforeMs = -Infinity;
  #minSequence: bigint | undefined;

  constructor(private readonly options: JournalLinkOptions) {}

  /**
   * Calls the journal, once more when a connection that used to work turns out to be lost. A write
   * must carry a request id, so that it is not done twice.
   *
   * @throws {BackendFailure}
   */
  async call<T>(
    work: (services: JournalServices, options: CallOptions) => Promise<T>,
    situation: CallSituation,
  ): Promise<T> {
    const reused = this.#transport !== undefined;
    try {
      return await this.#callOnce(work, situation);
    } catch (error) {
      if (!reused || !isConnectionLost(error)) {
        throw readFailure(error, "journal", callTimeoutMs);
      }
    }
    try {
      return await this.#callOnce(work, situation);
    } catch (error) {
      throw readFailure(error, "journal", callTimeoutMs);
    }
  }

  /** After a write: later reads wait until the answering member has applied it (API-2). */
  noteWrite(sequence: bigint): void {
    if (sequence > (this.#minSequence ?? 0n)) this.#minSequence = sequence;
  }

  /** Ends the connection and the calls on it. */
  async close(): Promise<void> {
    const transport = this.#transport;
    this.#transport = undefined;
    await transport?.then((open) => open.close(), () => {});
  }

  async #callOnce<T>(
    work: (services: JournalServices, options: CallOptions) => Promise<T>,
    { signal, requestId }: CallSituation,
  ): Promise<T> {
    const dialled = this.#transport ??= this.#dial();
    const transport = await dialled.catch((error) => {
      this.#drop(dialled);
      throw error;
    });
    try {
      const services = {
        config: createClient(journal.ConfigService, transport),
        fleet: createClient(journal.FleetService, transport),
      };
      const headers = callHeaders({
        ...(requestId === undefined ? {} : { requestId }),
        ...(this.#minSequence === undefined ? {} : { minSequence: this.#minSequence }),
      });
      return await work(services, { headers, signal, timeoutMs: callTimeoutMs });
    } catch (error) {
      if (isConnectionLost(error)) this.#drop(dialled);
      throw error;
    }
  }

  async #dial(): Promise<RpcTransport> {
    const { clock, endpoints, transport } = this.options;
    if (clock.monotonicMs() < this.#dialNotBeforeMs) throw new Unreachable("journal");
    try {
      const open = await connectFirstReachable({ ...transport, endpoints });
      this.#failedDials = 0;
      this.#dialNotBeforeMs = -Infinity;
      return open;
    } catch (error) {
      const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failedDials++);
      this.#dialNotBeforeMs = clock.monotonicMs() + pauseMs;
      throw error;
    }
  }

  #drop(dialled: Promise<RpcTransport>): void {
    if (this.#transport === dialled) this.#transport = undefined;
    dialled.then((open) => open.close(), () => {});
  }
}
