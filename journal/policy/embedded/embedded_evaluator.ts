/**
 * Evaluates Rego inside the journal. It owns the worker that does it: one that takes too long is
 * ended and another one started in its place. It ends with `close`.
 */

import type { Clock, TimerHandle } from "../../../common/clock/mod.ts";
import type { JsonValue } from "../../../common/json/mod.ts";
import {
  BundleError,
  EngineUnavailable,
  packageOf,
  type PolicyBundle,
  type RegoDocuments,
  type RegoEvaluator,
  type RegoQuestion,
} from "../../../common/rego/mod.ts";
import type { Answer, FromWorker, ToWorker } from "./messages.ts";

/** Longest that questions wait for their answers; rules usually take a tenth of a millisecond. */
const EVALUATION_TIMEOUT_MS = 1_000;
/** Longest that a policy may take to be compiled and loaded. */
const LOAD_TIMEOUT_MS = 20_000;
/** Most questions under way; more are not taken. */
const MAX_PENDING = 1_000;

interface Pending {
  readonly question: RegoQuestion;
  readonly answer: PromiseWithResolvers<RegoDocuments>;
  readonly timer: TimerHandle;
}

/** What an evaluator works with. */
export interface EmbeddedEvaluatorOptions {
  readonly clock: Clock;
  /** What the rules are to know of roles and vClusters, below `data.pact`. */
  readonly data: () => JsonValue;
  /** Hears why the worker had to be replaced. */
  readonly onReplaced: (reason: string) => void;
}

/** Evaluates in a worker of its own. */
export class EmbeddedEvaluator implements RegoEvaluator {
  readonly #pending = new Map<number, Pending>();
  #nextId = 0;
  #worker: Worker | undefined;
  #bundle: PolicyBundle | undefined;
  #vclusters: ReadonlySet<string> = new Set();

  constructor(private readonly options: EmbeddedEvaluatorOptions) {}

  /** Whether a policy is loaded. */
  get isUp(): boolean {
    return this.#worker !== undefined;
  }

  /**
   * Takes a policy into use; the former one stays until the new one is loaded.
   *
   * @throws {BundleError} when it cannot be run.
   */
  async load(bundle: PolicyBundle): Promise<void> {
    const { worker, vclusters } = await this.#start(bundle);
    const former = this.#worker;
    this.#worker = worker;
    this.#bundle = bundle;
    this.#vclusters = vclusters;
    former?.terminate();
    // What was fed while the worker was loading, and what its predecessor left unanswered.
    this.feed();
    for (const [id, { question }] of this.#pending) send(worker, { kind: "ask", id, question });
  }

  evaluate(question: RegoQuestion): Promise<RegoDocuments> {
    const worker = this.#worker;
    if (worker === undefined) {
      return Promise.reject(new EngineUnavailable("no policy is loaded"));
    }
    if (this.#pending.size >= MAX_PENDING) {
      return Promise.reject(new EngineUnavailable("too many questions are under way"));
    }
    const id = this.#nextId++;
    const answer = Promise.withResolvers<RegoDocuments>();
    const timer = this.options.clock.setTimer(EVALUATION_TIMEOUT_MS, () => this.#replace());
    this.#pending.set(id, { question, answer, timer });
    send(worker, { kind: "ask", id, question });
    return answer.promise;
  }

  mayAskForApproval(vclusterId: string): boolean {
    return this.#vclusters.has(packageOf(vclusterId));
  }

  /** Tells the rules what changed of roles and vClusters. */
  feed(): void {
    if (this.#worker === undefined || this.#bundle === undefined) return;
    send(this.#worker, { kind: "data", data: this.#dataOf(this.#bundle) });
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#failAll("the journal stops");
  }

  /** A worker with a loaded policy. */
  async #start(bundle: PolicyBundle): Promise<{ worker: Worker; vclusters: Set<string> }> {
    const worker = new Worker(new URL("./policy_worker.ts", import.meta.url), {
      type: "module",
      name: "journal policy",
    });
    const loaded = Promise.withResolvers<Set<string>>();
    const timer = this.options.clock.setTimer(
      LOAD_TIMEOUT_MS,
      () => loaded.reject(new BundleError("the policy could not be loaded in time")),
    );
    worker.onerror = (event) => {
      event.preventDefault();
      loaded.reject(new BundleError(event.message));
      if (worker === this.#worker) this.#replace(event.message);
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.kind === "loaded") loaded.resolve(new Set(data.vclusters));
      else if (data.kind === "refused") loaded.reject(new BundleError(data.reason));
      else if (worker === this.#worker) this.#settle(data);
    };
    try {
      send(worker, { kind: "load", wasm: bundle.wasm, data: this.#dataOf(bundle) });
      return { worker, vclusters: await loaded.promise };
    } catch (error) {
      worker.terminate();
      throw error;
    } finally {
      this.options.clock.clearTimer(timer);
    }
  }

  #settle(message: Answer): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    this.#pending.delete(message.id);
    this.options.clock.clearTimer(pending.timer);
    if (message.kind === "answer") pending.answer.resolve(message.documents);
    else pending.answer.reject(new EngineUnavailable(message.reason));
  }

  /** Ends a worker that is stuck, and starts another; whoever waited hears that it took too long. */
  #replace(reason = `an evaluation took more than ${EVALUATION_TIMEOUT_MS} ms`): void {
    const bundle = this.#bundle;
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#failAll(reason, "timeout");
    this.options.onReplaced(reason);
    if (bundle === undefined) return;
    this.#start(bundle).then(({ worker }) => {
      this.#worker = worker;
      this.feed();
    }, (error) => this.options.onReplaced(String(error)));
  }

  #failAll(reason: string, kind: "error" | "timeout" = "error"): void {
    for (const { answer, timer } of this.#pending.values()) {
      this.options.clock.clearTimer(timer);
      answer.reject(new EngineUnavailable(reason, kind));
    }
    this.#pending.clear();
  }

  /** The bundle's own data, with that of the journal in its place. */
  #dataOf({ data }: PolicyBundle): JsonValue {
    const own = data["pact"];
    const below = typeof own === "object" && own !== null && !Array.isArray(own) ? own : {};
    const fed = this.options.data();
    return { ...data, pact: { ...below, ...Object(fed) } };
  }
}

function send(worker: Worker, message: ToWorker): void {
  worker.postMessage(message);
}
