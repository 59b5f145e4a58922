import type { Entry } from "./entry.ts";
import { assertInvariant } from "./errors.ts";
import type { Message } from "./messages.ts";
import type { RaftState, SoftState } from "./raft_state.ts";
import type { Ready } from "./ready.ts";
import { type HardState, isEmptyHardState } from "./storage.ts";
import {
  storageAppend,
  storageAppended,
  storageApplied,
  storageApply,
} from "./storage_messages.ts";

/** Turns what has collected in a member into Readys, and remembers what each has told. */
export class ReadyCycle {
  readonly #state: RaftState;
  #toldSoft: SoftState;
  #toldHard: HardState;
  /** Messages to the member itself that wait for the caller's storage work. */
  #onAdvance: readonly Message[] = [];

  constructor(state: RaftState) {
    this.#state = state;
    this.#toldSoft = state.softState;
    this.#toldHard = state.hardState;
  }

  /** Whether a Ready would hold anything. */
  get hasReady(): boolean {
    const { log, immediate, afterAppend, readStates } = this.#state;
    return this.#newSoftState() !== undefined || this.#newHardState() !== undefined ||
      log.unstable.nextSnapshot() !== undefined || immediate.length > 0 ||
      afterAppend.length > 0 || log.unstable.hasNextEntries ||
      log.hasNextCommitted(this.#appliesUnstable) || readStates.length > 0;
  }

  /**
   * Takes everything there is to do.
   *
   * @throws {RaftInvariantError} while a former Ready waits for its `advance`
   */
  take(): Ready {
    assertInvariant(this.#onAdvance.length === 0, "ready", () => "two Readys without an advance");
    const ready = this.#build();
    this.#accept(ready);
    return ready;
  }

  /** The messages to the member itself that the last Ready left behind. */
  takeOnAdvance(): readonly Message[] {
    const messages = this.#onAdvance;
    this.#onAdvance = [];
    return messages;
  }

  /** With one storage step after the other, an entry is durable by the time it is applied. */
  get #appliesUnstable(): boolean {
    return !this.#state.settings.asyncStorageWrites;
  }

  #newSoftState(): SoftState | undefined {
    const now = this.#state.softState;
    const isSame = now.leader === this.#toldSoft.leader && now.role === this.#toldSoft.role;
    return isSame ? undefined : now;
  }

  #newHardState(): HardState | undefined {
    const now = this.#state.hardState;
    const told = this.#toldHard;
    const isSame = now.term === told.term && now.vote === told.vote && now.commit === told.commit;
    return isSame || isEmptyHardState(now) ? undefined : now;
  }

  #build(): Ready {
    const { log, term, vote, readStates } = this.#state;
    const softState = this.#newSoftState();
    const hardState = this.#newHardState();
    const snapshot = log.unstable.nextSnapshot();
    const entries = log.unstable.nextEntries();
    const committed = log.nextCommitted(this.#appliesUnstable);
    const ready: { -readonly [Field in keyof Ready]: Ready[Field] } = {
      entries,
      readStates,
      committed,
      messages: [],
      mustSync: entries.length > 0 || term !== this.#toldHard.term ||
        vote !== this.#toldHard.vote,
    };
    if (softState !== undefined) ready.softState = softState;
    if (hardState !== undefined) ready.hardState = hardState;
    if (snapshot !== undefined) ready.snapshot = snapshot;
    ready.messages = this.#messages(ready, committed);
    return ready;
  }

  #messages(
    durable: Pick<Ready, "entries" | "hardState" | "snapshot">,
    committed: readonly Entry[],
  ): readonly Message[] {
    const { immediate, afterAppend, id, settings } = this.#state;
    if (!settings.asyncStorageWrites) {
      return [...immediate, ...afterAppend.filter(({ to }) => to !== id)];
    }
    return [
      ...immediate,
      ...present(storageAppend(this.#state, durable)),
      ...present(storageApply(this.#state, committed)),
    ];
  }

  #accept(ready: Ready): void {
    const state = this.#state;
    this.#toldSoft = ready.softState ?? this.#toldSoft;
    this.#toldHard = ready.hardState ?? this.#toldHard;
    if (!state.settings.asyncStorageWrites) {
      this.#onAdvance = [
        ...state.afterAppend.filter(({ to }) => to === state.id),
        ...present(storageAppended(state, ready.snapshot)),
        ...present(storageApplied(state, ready.committed)),
      ];
    }
    state.immediate = [];
    state.afterAppend = [];
    state.readStates = [];
    state.log.unstable.acceptInProgress();
    state.log.acceptApplying(ready.committed, this.#appliesUnstable);
  }
}

function present(message: Message | undefined): readonly Message[] {
  return message === undefined ? [] : [message];
}
