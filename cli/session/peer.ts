import { type CallOptions, Code, ConnectError } from "@connectrpc/connect";
import {
  type CallFacts,
  callHeaders,
  type RetryOptions,
  retryUnavailable,
} from "../../common/rpc/mod.ts";
import { EXIT, Failure, toFailure } from "../failure/mod.ts";
import type { Host } from "../host/mod.ts";
import { startProgress } from "../output/mod.ts";

/** Tries of a write in all: the first, and three more (CLI-64). */
const WRITE_ATTEMPTS = 4;

/** How calls are made. */
export interface PeerOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  /** Tries of a read in all: a connection may be lost between two calls. */
  readonly readAttempts: number;
  /** After a refused token: resolves to whether there is another one now. */
  readonly renewToken: () => Promise<boolean>;
}

/**
 * Calls to one server: deadline, cancellation, read-your-writes, retries, a progress line, and
 * every error as a {@link Failure}. It owns nothing; the transport belongs to whoever opened it.
 */
export class Peer {
  #minSequence: bigint | undefined;

  constructor(
    private readonly host: Host,
    /** How people call this server in an error: `journal`, `agent on node-1`. */
    readonly label: string,
    private readonly options: PeerOptions,
  ) {}

  /** After a write: later reads wait until the answering server has applied it (API-2). */
  noteWrite(sequence: bigint): void {
    if (this.#minSequence === undefined || sequence > this.#minSequence) {
      this.#minSequence = sequence;
    }
  }

  /** A unary call that changes nothing. */
  async read<T>(call: (options: CallOptions) => Promise<T>): Promise<T> {
    const options = this.#options({});
    return await this.#during(() =>
      this.#authenticated(call, options, {
        attempts: this.options.readAttempts,
        requestId: "idempotent",
        signal: this.options.signal,
      })
    );
  }

  /** A unary call that changes something: one request id over all its tries (CLI-64). */
  async write<T>(
    call: (options: CallOptions) => Promise<T>,
    facts: Pick<CallFacts, "reason" | "approvalId"> = {},
  ): Promise<T> {
    const requestId = this.host.randomId();
    const options = this.#options({ ...facts, requestId });
    return await this.#during(() =>
      this.#authenticated(call, options, {
        attempts: WRITE_ATTEMPTS,
        requestId,
        signal: this.options.signal,
      })
    );
  }

  /** Messages of a server stream. `facts` may carry a request id; no deadline unless one is given. */
  async *stream<T>(
    call: (options: CallOptions) => AsyncIterable<T>,
    { timeoutMs, ...facts }: CallFacts & { readonly timeoutMs?: number } = {},
  ): AsyncGenerator<T, void, undefined> {
    const progress = startProgress(this.host.stderr, this.host.clock, `waiting for ${this.label}`);
    const timeout = timeoutMs === undefined ? {} : { timeoutMs };
    try {
      for await (const message of call({ ...this.#options(facts), timeoutMs: 0, ...timeout })) {
        await progress.stop();
        yield message;
      }
    } catch (error) {
      throw this.failure(error);
    } finally {
      await progress.stop();
    }
  }

  /** Tries once more with another token where the first is refused and there is one (CLI-36). */
  async #authenticated<T>(
    call: (options: CallOptions) => Promise<T>,
    options: CallOptions,
    retry: RetryOptions,
  ): Promise<T> {
    try {
      return await retryUnavailable(() => call(options), retry);
    } catch (error) {
      const isRefused = error instanceof ConnectError && error.code === Code.Unauthenticated;
      if (!isRefused || !await this.options.renewToken()) throw error;
    }
    return await retryUnavailable(() => call(options), retry);
  }

  /** The failure for whatever a call threw. */
  failure(error: unknown): unknown {
    if (this.options.signal.aborted) {
      return new Failure("INTERRUPTED", "interrupted", EXIT.interrupted, []);
    }
    if (!(error instanceof ConnectError)) return error;
    // Getting the token may fail under a call, for reasons of its own.
    if (error.cause instanceof Failure) return error.cause;
    return toFailure(error, { peer: this.label });
  }

  #options(facts: CallFacts): CallOptions {
    const fresh = this.#minSequence === undefined ? {} : { minSequence: this.#minSequence };
    return {
      headers: callHeaders({ ...fresh, ...facts }),
      signal: this.options.signal,
      timeoutMs: this.options.timeoutMs,
    };
  }

  async #during<T>(work: () => Promise<T>): Promise<T> {
    const progress = startProgress(this.host.stderr, this.host.clock, `waiting for ${this.label}`);
    try {
      return await work();
    } catch (error) {
      throw this.failure(error);
    } finally {
      await progress.stop();
    }
  }
}
