import type { Entry, Identity } from "../../../common/model/mod.ts";
import {
  apply,
  type CommandInput,
  type CommandResult,
  EnvelopeSchema,
  type Outcome,
  type Rejection,
} from "../../../journal/state/mod.ts";
import { exportState, StateStore } from "../../../journal/store/mod.ts";
import { ANN } from "./identities.ts";

/** How a test sends a command. */
export interface SendOptions {
  readonly actor?: Identity;
  readonly requestId?: string;
}

/** A state, in memory by default, that commands are applied to one by one, with a clock the test moves. */
export class TestState implements Disposable {
  readonly store: StateStore;
  nowMs = Date.UTC(2026, 0, 1);

  constructor(path = ":memory:") {
    this.store = new StateStore(path);
  }

  [Symbol.dispose](): void {
    this.store.close();
  }

  /** Applies a command and says all that came of it. */
  outcome(command: CommandInput, { actor = ANN, requestId }: SendOptions = {}): Outcome {
    const envelope = EnvelopeSchema.parse({
      format: 1,
      proposal: "test",
      timestamp: new Date(this.nowMs).toISOString(),
      actor,
      request_id: requestId,
      command,
    });
    return this.store.batch(() => {
      const outcome = apply(this.store, envelope);
      if (outcome.kind === "applied") {
        this.store.write(outcome.entries, outcome.writes, outcome.entryTexts);
      } else if (outcome.kind === "rejected") {
        this.store.write([], outcome.writes, []);
      }
      const { index } = this.store.applied;
      this.store.advance({ index: index + 1n, term: 1n });
      return outcome;
    });
  }

  /** Applies a command that must be taken. */
  send(command: CommandInput, options: SendOptions = {}): CommandResult {
    const outcome = this.outcome(command, options);
    if (outcome.kind !== "rejected") return outcome.result;
    throw new Error(`rejected: ${outcome.rejection.message}`);
  }

  /** Applies an AppendEntry that must be taken; its sequence. */
  append(command: CommandInput, options: SendOptions = {}): number {
    const result = this.send(command, options);
    if (result.kind === "EntryAppended") return result.sequence;
    throw new Error(`no entry appended: ${result.kind}`);
  }

  /** Applies a command that must be refused. */
  refusal(command: CommandInput, options: SendOptions = {}): Rejection {
    const outcome = this.outcome(command, options);
    if (outcome.kind === "rejected") return outcome.rejection;
    throw new Error(`not rejected: ${outcome.kind}`);
  }

  entry(sequence: number): Entry {
    const entry = this.store.history.entry(sequence);
    if (entry === undefined) throw new Error(`no entry ${sequence}`);
    return entry;
  }

  /** Every entry in order. */
  entries(): Entry[] {
    return [...this.store.entryPages({})].flat();
  }

  /** The canonical export as one text. */
  exported(): string {
    return [...exportState(this.store)].join("\n");
  }
}
