/**
 * Asks an OPA server (OPA-1 to OPA-13): in the order of OPA-3, each question in bounded time, behind
 * a circuit breaker. It owns the connections, the health poll and the data that the server is fed,
 * and ends with `close`.
 */

import { z } from "zod";
import type { Clock, TimerHandle } from "../../../common/clock/mod.ts";
import type { Logger } from "../../../common/log/mod.ts";
import { afterAttempt, type BreakerState, isOpen, SHUT } from "../breaker.ts";
import type { PolicyData } from "../data.ts";
import {
  EngineUnavailable,
  packageOf,
  type PolicyInput,
  type RegoDocuments,
  type RegoEvaluator,
  type RegoQuestion,
} from "../../../common/rego/mod.ts";
import { OpaClient } from "./client.ts";
import { DataFeed } from "./data_feed.ts";
import { type LoadedModules, readModules } from "./modules.ts";

/** Time for one request, and for all that one decision needs (OPA-3). */
const REQUEST_TIMEOUT_MS = 1_000;
const DECISION_TIMEOUT_MS = 2_000;
/** How often the server is looked after (OPA-12). */
const HEALTH_INTERVAL_MS = 10_000;
/** Largest list of policies that is read. */
const MAX_POLICIES_BYTES = 32 * 1024 * 1024;

const AnswerSchema = z.looseObject({ result: z.unknown().optional() });

/** What an evaluator over OPA works with. */
export interface OpaEvaluatorOptions {
  readonly base: URL;
  readonly clock: Clock;
  readonly log: Logger;
  /** What the rules are to know of roles and vClusters. */
  readonly data: () => PolicyData;
}

/** Evaluates on an OPA server. */
export class OpaEvaluator implements RegoEvaluator {
  #base: URL;
  #client: OpaClient;
  #feed: DataFeed;
  /** Connections of an address that was left, while questions may still be on their way. */
  readonly #left = new Map<OpaClient, TimerHandle>();
  #breaker: BreakerState = SHUT;
  /** Undefined while nobody could read what is loaded: then every vCluster may have rules. */
  #modules: LoadedModules | undefined;
  #isHealthy = false;
  #trouble: string | undefined;
  #feedTrouble: string | undefined;
  #timer: TimerHandle | undefined;
  #isDueSoon = false;
  #isClosed = false;

  constructor(private readonly options: OpaEvaluatorOptions) {
    this.#base = options.base;
    this.#client = new OpaClient(options.base);
    this.#feed = new DataFeed(this.#client, options.data);
  }

  /** Looks at the server for the first time, and from now on every ten seconds. */
  async start(): Promise<void> {
    await this.#lookAfter();
  }

  /** Whether the server answers, with the rules that it must have. */
  get isUp(): boolean {
    return this.#isHealthy && !isOpen(this.#breaker, this.options.clock.monotonicMs());
  }

  async evaluate(question: RegoQuestion): Promise<RegoDocuments> {
    const { clock } = this.options;
    if (isOpen(this.#breaker, clock.monotonicMs())) {
      throw new EngineUnavailable("OPA is left alone for a moment after five errors");
    }
    try {
      const documents = await this.#ask(question, clock.monotonicMs() + DECISION_TIMEOUT_MS);
      this.#noteAttempt(true);
      return documents;
    } catch (error) {
      this.#noteAttempt(false);
      throw error;
    }
  }

  mayAskForApproval(vclusterId: string): boolean {
    return this.#modules?.askingForApproval.has(packageOf(vclusterId)) ?? false;
  }

  /** Asks at that address from now on, and looks at the server there, because its rules may be new. */
  async reload({ opaEndpoint: base }: { readonly opaEndpoint: URL }): Promise<void> {
    if (base.href !== this.#base.href) {
      const { clock, data } = this.options;
      const former = this.#client;
      const end = () => {
        former.close();
        this.#left.delete(former);
      };
      this.#left.set(former, clock.setTimer(DECISION_TIMEOUT_MS, end));
      this.#base = base;
      this.#client = new OpaClient(base);
      this.#feed = new DataFeed(this.#client, data);
      this.#breaker = SHUT;
      this.#modules = undefined;
      this.#isHealthy = false;
      this.#trouble = undefined;
    }
    await this.#lookAfter();
  }

  /** Tells the server what changed of roles and vClusters. */
  feedSoon(): void {
    this.#feed.markChanged();
    // A look that is due soon is not put off again, or a stream of changes would starve it.
    if (this.#isDueSoon || this.#timer === undefined) return;
    this.#schedule(FEED_DELAY_MS);
    this.#isDueSoon = true;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
    this.#client.close();
    for (const [client, timer] of this.#left) {
      this.options.clock.clearTimer(timer);
      client.close();
    }
  }

  /** The requests of one decision, in their order (OPA-3). */
  async #ask({ input, coarseInput }: RegoQuestion, deadlineMs: number): Promise<RegoDocuments> {
    const query = (path: string, of: PolicyInput) => this.#query(path, of, deadlineMs);
    const allow = await query("v1/data/pact/authz/allow", input);
    if (allow !== true) {
      const denyReason = await query("v1/data/pact/authz/deny_reason", input);
      if (allow === undefined) await this.#requireAuthz(deadlineMs);
      return { allow, denyReason, vcluster: undefined, coarseVcluster: undefined };
    }
    const name = input.vcluster === null ? undefined : packageOf(input.vcluster);
    if (name === undefined || this.#modules?.vclusters.has(name) === false) {
      return { allow, denyReason: undefined, vcluster: undefined, coarseVcluster: undefined };
    }
    const path = `v1/data/pact/vcluster/${encodeURIComponent(name)}`;
    const [vcluster, coarseVcluster] = await Promise.all([
      query(path, input),
      coarseInput === undefined ? undefined : query(path, coarseInput),
    ]);
    return { allow, denyReason: undefined, vcluster, coarseVcluster };
  }

  async #query(path: string, input: PolicyInput, deadlineMs: number): Promise<unknown> {
    const leftMs = deadlineMs - this.options.clock.monotonicMs();
    if (leftMs <= 0) {
      throw new EngineUnavailable(`no decision in ${DECISION_TIMEOUT_MS} ms`, "timeout");
    }
    const answer = await this.#client.ask({
      method: "POST",
      path,
      body: { input },
      timeoutMs: Math.min(REQUEST_TIMEOUT_MS, leftMs),
    });
    const parsed = AnswerSchema.safeParse(answer);
    if (!parsed.success) throw new EngineUnavailable(`malformed answer to ${path}`);
    return parsed.data.result;
  }

  /** Without its package a server has loaded nothing, and says nothing of anybody (OPA-13). */
  async #requireAuthz(deadlineMs: number): Promise<void> {
    const leftMs = Math.max(1, deadlineMs - this.options.clock.monotonicMs());
    await this.#readModules(Math.min(REQUEST_TIMEOUT_MS, leftMs));
    if (this.#modules?.hasAuthz !== false) return;
    throw new EngineUnavailable(NO_AUTHZ);
  }

  #noteAttempt(isAnswered: boolean): void {
    this.#breaker = afterAttempt(this.#breaker, isAnswered, this.options.clock.monotonicMs());
  }

  async #readModules(timeoutMs: number): Promise<void> {
    const answer = await this.#client.ask({
      method: "GET",
      path: "v1/policies",
      timeoutMs,
      maxAnswerBytes: MAX_POLICIES_BYTES,
    });
    this.#modules = readModules(answer);
  }

  async #lookAfter(): Promise<void> {
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#isDueSoon = false;
    try {
      await this.#client.ask({ method: "GET", path: "health", timeoutMs: REQUEST_TIMEOUT_MS });
      await this.#readModules(REQUEST_TIMEOUT_MS);
      if (this.#modules?.hasAuthz === false) throw new EngineUnavailable(NO_AUTHZ);
      this.#note(undefined);
    } catch (error) {
      this.#note(reasonOf(error));
    }
    if (this.#isHealthy) await this.#feedNow();
    this.#schedule(HEALTH_INTERVAL_MS);
  }

  /** Rules that read no data of pact are good without it, so the server does not count as down. */
  async #feedNow(): Promise<void> {
    try {
      await this.#feed.bringUpToDate(REQUEST_TIMEOUT_MS);
      this.#feedTrouble = undefined;
    } catch (error) {
      const reason = reasonOf(error);
      if (reason !== this.#feedTrouble) {
        this.options.log.warn("OPA does not take data.pact.roles and data.pact.vclusters", {
          error: reason,
        });
      }
      this.#feedTrouble = reason;
    }
  }

  #schedule(delayMs: number): void {
    const { clock } = this.options;
    if (this.#timer !== undefined) clock.clearTimer(this.#timer);
    if (!this.#isClosed) this.#timer = clock.setTimer(delayMs, () => void this.#lookAfter());
  }

  /** Says each trouble once, and when it is over. */
  #note(trouble: string | undefined): void {
    if (
      this.#isClosed || trouble === this.#trouble && this.#isHealthy === (trouble === undefined)
    ) {
      return;
    }
    const { log } = this.options;
    const endpoint = this.#base.href;
    if (trouble === undefined) log.info("OPA answers", { endpoint });
    else if (trouble === NO_AUTHZ) log.error(NO_AUTHZ, { endpoint });
    else log.warn("OPA is down", { endpoint, error: trouble });
    this.#trouble = trouble;
    this.#isHealthy = trouble === undefined;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** How long changes of policies are gathered before the server is told. */
const FEED_DELAY_MS = 500;

/** The log line of OPA-13. */
const NO_AUTHZ = "OPA has no pact.authz package";
