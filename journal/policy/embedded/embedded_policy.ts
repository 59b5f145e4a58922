/**
 * The embedded rules of one journal: those of its site's bundle, or the shipped ones. It owns their
 * evaluator and what is fed to it, and ends with `close`.
 */

import type { Clock, TimerHandle } from "../../../common/clock/mod.ts";
import type { JsonValue } from "../../../common/json/mod.ts";
import type { Logger } from "../../../common/log/mod.ts";
import type { PolicyData } from "../data.ts";
import {
  BundleError,
  type PolicyBundle,
  readBundle,
  type RegoDocuments,
  type RegoEvaluator,
  type RegoQuestion,
} from "../../../common/rego/mod.ts";
import { EmbeddedEvaluator } from "./embedded_evaluator.ts";
import { shippedBundle } from "./shipped_bundle.ts";

/** How long changes of policies are gathered before the rules are told. */
const FEED_DELAY_MS = 500;

/** What embedded rules work with. */
export interface EmbeddedPolicyOptions {
  /** The site's bundle; without one the shipped rules hold. */
  readonly bundlePath: string | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly data: () => PolicyData;
}

/** See above. */
export class EmbeddedPolicy implements RegoEvaluator {
  readonly #evaluator: EmbeddedEvaluator;
  #timer: TimerHandle | undefined;
  #bundlePath: string | undefined;

  constructor(private readonly options: EmbeddedPolicyOptions) {
    this.#bundlePath = options.bundlePath;
    this.#evaluator = new EmbeddedEvaluator({
      clock: options.clock,
      data: () => asJson(options.data()),
      onReplaced: (reason) => options.log.error("the embedded rules were started anew", { reason }),
    });
  }

  get isUp(): boolean {
    return this.#evaluator.isUp;
  }

  /** @throws {BundleError} when the bundle cannot be used. */
  async start(): Promise<void> {
    await this.#evaluator.load(await this.#bundle());
    this.options.log.info("embedded rules loaded", { bundle: this.#name });
  }

  evaluate(question: RegoQuestion): Promise<RegoDocuments> {
    return this.#evaluator.evaluate(question);
  }

  mayAskForApproval(vclusterId: string): boolean {
    return this.#evaluator.mayAskForApproval(vclusterId);
  }

  feedSoon(): void {
    const { clock } = this.options;
    this.#timer ??= clock.setTimer(FEED_DELAY_MS, () => {
      this.#timer = undefined;
      this.#evaluator.feed();
    });
  }

  /** Reads the site's bundle again (CFG-3); one that cannot be used leaves the former in force. */
  async reload(settings: { readonly policyBundle?: string | undefined }): Promise<void> {
    this.#bundlePath = settings.policyBundle;
    try {
      await this.start();
    } catch (error) {
      if (!(error instanceof BundleError)) throw error;
      this.options.log.error("the policy bundle was not taken, the former rules hold", {
        error: error.message,
      });
    }
  }

  close(): void {
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
    this.#evaluator.close();
  }

  get #name(): string {
    return this.#bundlePath ?? "shipped";
  }

  async #bundle(): Promise<PolicyBundle> {
    const path = this.#bundlePath;
    return path === undefined ? shippedBundle() : await readBundle(path);
  }
}

/** Documents are JSON already; this says so to the type checker. */
function asJson({ roles, vclusters }: PolicyData): JsonValue {
  return JSON.parse(JSON.stringify({ roles, vclusters }));
}
