import {
  type Entry,
  type Membership,
  type Message,
  RaftError,
  RaftNode,
  type RaftOptions,
  type ReadState,
  type Ready,
  type Snapshot,
} from "../../../../journal/raft/mod.ts";
import { DurableLog } from "./durable_log.ts";

export type MemberOptions = Partial<Omit<RaftOptions, "id" | "storage">>;

/** One member with a disk, storage threads, and a state machine that lists what was committed. */
export class TestMember {
  readonly id: number;
  readonly disk: DurableLog;
  core: RaftNode;
  /** Read states that came out, not taken yet. */
  readonly reads: ReadState[] = [];
  readonly #options: MemberOptions;
  readonly #appendWork: Message[] = [];
  readonly #applyWork: Message[] = [];
  readonly #onApply: (member: TestMember, entry: Entry) => void;
  #state: Snapshot;

  constructor(
    id: number,
    base: Snapshot,
    options: MemberOptions,
    onApply: (member: TestMember, entry: Entry) => void,
  ) {
    this.id = id;
    this.disk = new DurableLog(base, () => this.#state);
    this.#options = options;
    this.#onApply = onApply;
    this.#state = base;
    this.core = this.#start();
  }

  /** The state machine: everything applied so far, in order. */
  get state(): Snapshot {
    return this.#state;
  }

  get hasWork(): boolean {
    return this.core.hasReady || this.#appendWork.length > 0 || this.#applyWork.length > 0;
  }

  /** Loses everything that is not on disk. */
  restart(): void {
    this.#appendWork.length = 0;
    this.#applyWork.length = 0;
    this.reads.length = 0;
    this.core = this.#start();
    this.#state = this.disk.base;
  }

  /** Takes one Ready, if there is one. @returns messages for the network */
  processReady(): readonly Message[] {
    if (!this.core.hasReady) return [];
    const ready = this.core.ready();
    this.reads.push(...ready.readStates);
    if (!this.#options.asyncStorageWrites) {
      this.#save(ready);
      for (const entry of ready.committed) this.#apply(entry);
      this.core.advance();
      return ready.messages;
    }
    const outgoing: Message[] = [];
    for (const message of ready.messages) {
      if (message.to === "append-thread") this.#appendWork.push(message);
      else if (message.to === "apply-thread") this.#applyWork.push(message);
      else outgoing.push(message);
    }
    return outgoing;
  }

  /** Does one piece of storage work. @returns messages for the network */
  processAppend(): readonly Message[] {
    const work = this.#appendWork.shift();
    if (work === undefined) return [];
    const { term, vote, commit } = work;
    this.disk.save({ term, vote, commit }, work.entries, work.snapshot);
    if (work.snapshot) this.#state = work.snapshot;
    return this.#respond(work);
  }

  /** Applies one piece of committed work. @returns messages for the network */
  processApply(): readonly Message[] {
    const work = this.#applyWork.shift();
    if (work === undefined) return [];
    // A snapshot may have overtaken work that was waiting.
    for (const entry of work.entries) if (entry.index > this.#state.index) this.#apply(entry);
    return this.#respond(work);
  }

  #respond({ responses }: Message): readonly Message[] {
    for (const response of responses) {
      // A member that has removed itself refuses its own acknowledgement.
      if (response.to === this.id) tolerant(() => this.core.step(response));
    }
    return responses.filter(({ to }) => to !== this.id);
  }

  #start(): RaftNode {
    return new RaftNode({
      electionTicks: 10,
      heartbeatTicks: 1,
      random: (bound) => this.id % bound,
      ...this.#options,
      id: this.id,
      storage: this.disk,
    });
  }

  #save({ hardState, entries, snapshot }: Ready): void {
    this.disk.save(hardState, entries, snapshot);
    if (snapshot) this.#state = snapshot;
  }

  #apply(entry: Entry): void {
    this.#onApply(this, entry);
    const isChange = entry.kind === "membership";
    const membership: Membership = isChange
      ? this.core.applyMembershipChange(entry.change, entry.index)
      : this.#state.membership;
    const data = new Uint8Array([...this.#state.data, ...isChange ? [] : entry.data]);
    this.#state = { index: entry.index, term: entry.term, membership, data };
  }
}

/** A refusal is an answer like any other; a broken promise is not. */
export function tolerant(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof RaftError)) throw error;
  }
}
