/**
 * Owns the connections to the members of etcd, one of which it uses until that fails. Ends with
 * `close`.
 *
 * @module
 */
import { type Client, createClient } from "@connectrpc/connect";
import { etcd } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import {
  createRpcTransport,
  failOnSilence,
  installHttp2Guard,
  type RpcTransport,
} from "../../common/rpc/mod.ts";
import type { SecretPem } from "../../common/secret/mod.ts";
import { EtcdError, etcdErrorOf } from "./etcd_error.ts";
import type { KeyRange } from "./keys.ts";
import { pause } from "./pause.ts";

/** Certificates of a journal as a client of etcd. */
export interface EtcdTls {
  readonly caPem?: string;
  readonly certPem?: string;
  readonly keyPem?: SecretPem;
}

/** How etcd is reached. */
export interface EtcdClientOptions {
  /** `https://HOST:PORT` of its members; one at least. */
  readonly endpoints: readonly string[];
  /** Read anew for each connection, so that renewed certificates come into use. */
  readonly tls: () => EtcdTls;
  /** How long one member may take to answer before the next one is asked. */
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
}

/** The services of one member of etcd. */
export interface EtcdServices {
  readonly kv: Client<typeof etcd.KV>;
  readonly watch: Client<typeof etcd.Watch>;
  readonly lease: Client<typeof etcd.Lease>;
  readonly maintenance: Client<typeof etcd.Maintenance>;
}

/** Largest answer that is taken: a page of the log. */
const READ_MAX_BYTES = 64 * 1024 * 1024;

/** How often a watch is asked for a sign of life, and how long it may give none. */
const PROGRESS_MS = 1_500;
const SILENCE_MS = 5_000;

interface Connected {
  readonly transport: RpcTransport;
  readonly services: EtcdServices;
}

/** One call of whichever service. */
export type EtcdCall<T> = (
  services: EtcdServices,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
) => Promise<T>;

/** Whoever makes calls of etcd: each may be made twice. */
export type EtcdCaller = Pick<EtcdClient, "call">;

/** etcd, whichever of its members answers. */
export class EtcdClient {
  readonly #options: EtcdClientOptions;
  readonly #connections = new Map<string, Connected>();
  #at = 0;
  #trouble: string | undefined;
  /** How often etcd has shown that it has a quorum. */
  #proofs = 0;
  #isClosed = false;

  constructor(options: EtcdClientOptions) {
    installHttp2Guard();
    this.#options = options;
  }

  /**
   * What the last call failed with; undefined since one has succeeded that takes a quorum. What was
   * begun before that success and fails after it is old news.
   */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /**
   * Makes a call that may be made twice, at one member after the other until one answers.
   *
   * @throws {EtcdError} when all have failed, or one has said what another would say too.
   */
  async call<T>(make: EtcdCall<T>, signal?: AbortSignal): Promise<T> {
    const answer = await this.look(make, signal);
    this.#showQuorum();
    return answer;
  }

  /**
   * Like `call`, for what a member answers by itself: the answer says nothing about the quorum, so
   * it ends no trouble, and makes none of members that were asked in vain before.
   *
   * @throws {EtcdError} as `call` does.
   */
  async look<T>(make: EtcdCall<T>, signal?: AbortSignal): Promise<T> {
    const { endpoints, requestTimeoutMs } = this.#options;
    const troubleBefore = this.#trouble;
    const proofs = this.#proofs;
    let failure: EtcdError | undefined;
    for (let attempt = 0; attempt < endpoints.length; attempt++) {
      signal?.throwIfAborted();
      const endpoint = this.#endpoint();
      try {
        const { services } = this.#connected(endpoint);
        const answer = await make(services, {
          timeoutMs: requestTimeoutMs,
          ...signal && { signal },
        });
        if (failure !== undefined && proofs === this.#proofs) this.#trouble = troubleBefore;
        return answer;
      } catch (error) {
        signal?.throwIfAborted();
        failure = etcdErrorOf(error, endpoint);
        this.#note(failure, proofs);
        if (failure.kind !== "unreachable" && failure.kind !== "refused") break;
        this.#leave(endpoint);
      }
    }
    throw failure ?? new EtcdError("unreachable", "etcd: no endpoints");
  }

  /**
   * Changes of keys in a range from a revision on. Ends with the signal; a member that falls silent
   * or loses its quorum ends it with an error.
   *
   * @throws {EtcdError} `compacted` when the revision is too old.
   */
  async *watch(
    { key, rangeEnd }: KeyRange,
    startRevision: bigint,
    signal: AbortSignal,
  ): AsyncGenerator<etcd.WatchResponse> {
    const { clock } = this.#options;
    let proofs = this.#proofs;
    const endpoint = this.#endpoint();
    const abort = new AbortController();
    const stop = () => abort.abort();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const requests = watchRequests(
      {
        key,
        rangeEnd,
        startRevision,
        progressNotify: true,
        fragment: true,
      },
      clock,
      abort.signal,
    );
    try {
      const { services } = this.#connected(endpoint);
      const answers = services.watch.watch(requests, {
        signal: abort.signal,
        // Ends the watch when the member has lost sight of etcd's quorum.
        headers: { hasleader: "true" },
      });
      for await (
        const answer of failOnSilence(answers, { maxSilenceMs: SILENCE_MS, abort, clock })
      ) {
        if (answer.canceled) throw canceled(answer, endpoint);
        this.#showQuorum();
        proofs = this.#proofs;
        yield answer;
      }
      throw new EtcdError("unreachable", `etcd: ${endpoint} ended a watch`);
    } catch (error) {
      if (signal.aborted) return;
      const failure = error instanceof EtcdError ? error : etcdErrorOf(error, endpoint);
      this.#note(failure, proofs);
      if (failure.kind !== "compacted") this.#leave(endpoint);
      throw failure;
    } finally {
      signal.removeEventListener("abort", stop);
      abort.abort();
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const { transport } of this.#connections.values()) transport.close();
    this.#connections.clear();
  }

  #showQuorum(): void {
    this.#proofs++;
    this.#trouble = undefined;
  }

  /** @param proofs of the quorum when what failed was begun. */
  #note(failure: EtcdError, proofs: number): void {
    // Nothing is wrong with an etcd that has forgotten what it was told to forget.
    if (failure.kind !== "compacted" && proofs === this.#proofs) this.#trouble = failure.message;
  }

  #endpoint(): string {
    const { endpoints } = this.#options;
    return endpoints[this.#at % endpoints.length] ?? "";
  }

  /** Later calls go to the next member; several that fail at once go on by one. */
  #leave(endpoint: string): void {
    if (endpoint !== this.#endpoint()) return;
    this.#at++;
    this.#connections.get(endpoint)?.transport.close();
    this.#connections.delete(endpoint);
  }

  #connected(endpoint: string): Connected {
    if (this.#isClosed) throw new EtcdError("unreachable", "etcd: the client is closed");
    const known = this.#connections.get(endpoint);
    if (known !== undefined) return known;
    const transport = createRpcTransport({
      endpoint,
      ...this.#options.tls(),
      connectTimeoutMs: this.#options.requestTimeoutMs,
      readMaxBytes: READ_MAX_BYTES,
    });
    const services = {
      kv: createClient(etcd.KV, transport),
      watch: createClient(etcd.Watch, transport),
      lease: createClient(etcd.Lease, transport),
      maintenance: createClient(etcd.Maintenance, transport),
    };
    const connected = { transport, services };
    this.#connections.set(endpoint, connected);
    return connected;
  }
}

type WatchRequestInit = {
  requestUnion:
    | {
      case: "createRequest";
      value: {
        key: Uint8Array;
        rangeEnd: Uint8Array;
        startRevision: bigint;
        progressNotify: boolean;
        fragment: boolean;
      };
    }
    | { case: "progressRequest"; value: Record<never, never> };
};

/** Asks for the watch, and then for a sign of life again and again until the signal fires. */
async function* watchRequests(
  create: Extract<WatchRequestInit["requestUnion"], { case: "createRequest" }>["value"],
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<WatchRequestInit> {
  yield { requestUnion: { case: "createRequest", value: create } };
  while (!signal.aborted) {
    await pause(clock, PROGRESS_MS, signal);
    if (!signal.aborted) yield { requestUnion: { case: "progressRequest", value: {} } };
  }
}

function canceled(
  { compactRevision, cancelReason }: etcd.WatchResponse,
  endpoint: string,
): EtcdError {
  return compactRevision > 0n
    ? new EtcdError(
      "compacted",
      `etcd: ${endpoint} has forgotten what is before ${compactRevision}`,
    )
    : new EtcdError("unreachable", `etcd: ${endpoint} ended a watch: ${cancelReason}`);
}
