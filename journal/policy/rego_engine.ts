import { isAction } from "../../common/authz/mod.ts";
import {
  EngineUnavailable,
  isReadOnly,
  type PolicyInput,
  questionsOf,
  type RegoEvaluator,
  type RegoQuestion,
  strictest,
  type Verdict,
  verdictOf,
} from "../../common/rego/mod.ts";
import type { PolicyEngine } from "./engine.ts";
import { ReadCache } from "./read_cache.ts";

/** How a question to the rules ended, as it is counted. */
export type EngineOutcome = "allow" | "deny" | "error" | "timeout";

/** What a Rego engine works with. */
export interface RegoEngineOptions {
  readonly evaluator: RegoEvaluator;
  readonly monotonicMs: () => number;
  /** Hears how each evaluation ended (journal.md 14.2). */
  readonly onOutcome: (outcome: EngineOutcome) => void;
  /** Hears why the rules could not be asked. */
  readonly onUnavailable: (cause: string) => void;
}

/** A policy engine over whatever evaluates the Rego: the same questions, the same reading of answers. */
export class RegoEngine implements PolicyEngine {
  readonly #reads: ReadCache;

  constructor(private readonly options: RegoEngineOptions) {
    this.#reads = new ReadCache(options.monotonicMs);
  }

  async restrict(input: PolicyInput): Promise<Verdict> {
    const isRead = isAction(input.action) && isReadOnly(input.action);
    const known = isRead ? this.#reads.get(input) : undefined;
    if (known !== undefined) return known;
    const verdict = strictest(
      await Promise.all(questionsOf(input).map((question) => this.#ask(question))),
    );
    if (isRead) this.#reads.put(input, verdict);
    return verdict;
  }

  mayAskForApproval(vclusterId: string): boolean {
    return this.options.evaluator.mayAskForApproval(vclusterId);
  }

  /** Forgets decisions about reads, because the rules or their data are new. */
  forgetReads(): void {
    this.#reads.clear();
  }

  async #ask(question: RegoQuestion): Promise<Verdict> {
    const { evaluator, onOutcome, onUnavailable } = this.options;
    try {
      const verdict = verdictOf(question, await evaluator.evaluate(question));
      onOutcome(verdict.outcome === "deny" ? "deny" : "allow");
      return verdict;
    } catch (error) {
      const isKnown = error instanceof EngineUnavailable;
      onOutcome(isKnown ? error.kind : "error");
      const cause = error instanceof Error ? error.message : String(error);
      onUnavailable(cause);
      return { outcome: "unavailable", cause };
    }
  }
}
