/**
 * The keys a provider publishes, fetched when they are needed. It owns the connection to the
 * provider, and ends with `close`.
 */

import { type Clock, systemClock } from "../clock/mod.ts";
import { documentFetch } from "../fetch/mod.ts";
import {
  DEFAULT_KEY_LIMITS,
  type KeyCacheLimits,
  type KeyCacheState,
  NO_KEYS,
  stepKeyCache,
} from "./key_cache.ts";
import { type PublishedKeys, readKeyDocument } from "./key_document.ts";
import { ASYMMETRIC_ALGORITHMS, type KeySource } from "./keys.ts";
import { type KeyLocation, locateKeys } from "./provider.ts";

/** Bounds of one answer of a provider (AUT-7). */
const FETCH_TIMEOUT_MS = 10_000;
const MAX_DOCUMENT_BYTES = 1024 * 1024;

/** Where keys come from and who hears about it. */
export interface JwksOptions extends KeyLocation {
  /** Takes keys over plain http from other machines too. */
  readonly allowInsecure?: boolean;
  /** Certificates to trust beside the runtime's own, PEM. */
  readonly caPem?: string | undefined;
  readonly limits?: Partial<KeyCacheLimits>;
  readonly clock?: Clock;
  /** Hears why fetching failed, and for how long the keys at hand will do. */
  readonly onFailed?: (reason: string, usableForMs: number) => void;
  /** Hears that keys came again after a failure. */
  readonly onRecovered?: () => void;
}

/** A source that holds a connection. */
export interface ClosableKeySource extends KeySource {
  close(): void;
}

/** Keys of a provider (AUT-6, AUT-7). Nothing is fetched before the first token. */
export function jwksKeySource(options: JwksOptions): ClosableKeySource {
  const cache = new JwksKeys(options);
  return {
    algorithms: ASYMMETRIC_ALGORITHMS,
    keyFor: (header) => cache.find(header),
    close: () => cache.close(),
  };
}

class JwksKeys {
  readonly #fetch;
  readonly #clock: Clock;
  readonly #limits: KeyCacheLimits;
  #state: KeyCacheState = NO_KEYS;
  #keys: PublishedKeys | undefined;
  #running: Promise<void> | undefined;
  /** Where the keys were last time. */
  #location: string | undefined;

  constructor(private readonly options: JwksOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#limits = { ...DEFAULT_KEY_LIMITS, ...options.limits };
    this.#fetch = documentFetch({
      timeoutMs: FETCH_TIMEOUT_MS,
      maxBytes: MAX_DOCUMENT_BYTES,
      allowInsecure: options.allowInsecure ?? false,
      caPem: options.caPem,
    });
  }

  async find(header: Parameters<KeySource["keyFor"]>[0]) {
    let key = await this.#keys?.find(header);
    let answer = this.#ask(key !== undefined);
    if (answer === "fetch-first") {
      await this.#refresh();
      key = await this.#keys?.find(header);
      answer = this.#ask(key !== undefined);
    }
    if (answer === "use-and-fetch") void this.#refresh();
    if (answer === "unavailable") throw new Error("the provider's keys cannot be had");
    return key;
  }

  close(): void {
    this.#fetch.close();
  }

  #ask(isKnown: boolean) {
    const { state, answer } = stepKeyCache(
      this.#state,
      { kind: "asked", isKnown },
      this.#clock.monotonicMs(),
      this.#limits,
    );
    this.#state = state;
    return answer;
  }

  /** Fetches; whoever asks meanwhile waits for the same answer. Never fails. */
  #refresh(): Promise<void> {
    this.#running ??= this.#fetchKeys().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #fetchKeys(): Promise<void> {
    const hadFailed = this.#state.failedAtMs !== undefined;
    try {
      this.#keys = await this.#fetchDocument();
      this.#step("fetched");
      if (hadFailed) this.options.onRecovered?.();
    } catch (error) {
      this.#step("failed");
      const { fetchedAtMs = -Infinity } = this.#state;
      const usableForMs = fetchedAtMs + this.#limits.maxStaleMs - this.#clock.monotonicMs();
      this.options.onFailed?.(
        error instanceof Error ? error.message : String(error),
        Math.max(0, usableForMs),
      );
    }
  }

  async #fetchDocument(): Promise<PublishedKeys> {
    const known = this.#location;
    this.#location = undefined;
    const location = known ?? await locateKeys(this.options, this.#fetch);
    try {
      const keys = readKeyDocument(await this.#fetch.json(location));
      this.#location = location;
      return keys;
    } catch (error) {
      if (error instanceof TypeError) throw new TypeError(`${location}: ${error.message}`);
      // It may have moved: the next time looks where it is now.
      throw error;
    }
  }

  #step(kind: "fetched" | "failed"): void {
    this.#state = stepKeyCache(this.#state, { kind }, this.#clock.monotonicMs()).state;
  }
}
