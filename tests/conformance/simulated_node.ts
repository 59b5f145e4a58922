import {
  EMPTY_SNAPSHOT,
  type Entry,
  type HardState,
  type Message,
  RaftNode,
  type RaftOptions,
  type Snapshot,
} from "../../journal/raft/mod.ts";
import { CommandError } from "./command_error.ts";
import { describeMessage, describeReady } from "./describe.ts";
import { MemoryStorage } from "./memory_storage.ts";
import type { Output } from "./output.ts";

export type CoreOptions = Omit<RaftOptions, "id" | "storage" | "random" | "onEvent">;

/** One member with storage, storage threads, and a state machine that strings payloads together. */
export class SimulatedNode {
  readonly id: number;
  readonly core: RaftNode;
  readonly storage: MemoryStorage;
  readonly options: CoreOptions;
  readonly appendWork: Message[] = [];
  readonly applyWork: Message[] = [];
  readonly #output: Output;
  /** The state after each applied entry, as snapshots; the last is what others get. */
  readonly #history: Snapshot[];

  constructor(
    options: RaftOptions & { readonly storage: MemoryStorage },
    history: Snapshot[],
    output: Output,
  ) {
    this.id = options.id;
    this.options = options;
    this.storage = options.storage;
    this.#history = history;
    this.#output = output;
    this.core = new RaftNode(options);
  }

  get newestSnapshot(): Snapshot {
    return this.#history.at(-1) ?? EMPTY_SNAPSHOT;
  }

  /**
   * Takes one Ready and does what it says.
   *
   * @returns messages for the network
   * @throws {CommandError} when storage refuses
   */
  processReady(): readonly Message[] {
    const ready = this.core.ready();
    this.#output.write(describeReady(ready));
    const isAsync = this.options.asyncStorageWrites === true;
    if (!isAsync) {
      this.#save(ready.hardState, ready.entries, ready.snapshot);
      this.#apply(ready.committed);
    }
    const outgoing: Message[] = [];
    for (const message of ready.messages) {
      if (message.to === "append-thread") this.appendWork.push(message);
      else if (message.to === "apply-thread") this.applyWork.push(message);
      else outgoing.push(message);
    }
    if (!isAsync) this.core.advance();
    return outgoing;
  }

  /** Does one piece of the append thread's work. @returns messages for the network */
  processAppend(): readonly Message[] {
    return this.#process(this.appendWork, "no append work to perform", (work) => {
      const { term, vote, commit } = work;
      this.#save({ term, vote, commit }, work.entries, work.snapshot);
    });
  }

  /** Does one piece of the apply thread's work. @returns messages for the network */
  processApply(): readonly Message[] {
    return this.#process(this.applyWork, "no apply work to perform", (work) => {
      this.#apply(work.entries);
    });
  }

  #process(
    queue: Message[],
    whenEmpty: string,
    work: (item: Message) => void,
  ): readonly Message[] {
    const item = queue.shift();
    if (item === undefined) {
      this.#output.write(whenEmpty);
      return [];
    }
    this.#output.write(`Processing:\n${describeMessage({ ...item, responses: [] })}\n`);
    work(item);
    this.#output.write("Responses:\n");
    for (const response of item.responses) this.#output.write(`${describeMessage(response)}\n`);
    return item.responses;
  }

  #save(
    hardState: HardState | undefined,
    entries: readonly Entry[],
    snapshot: Snapshot | undefined,
  ): void {
    if (hardState) this.storage.saveHardState(hardState);
    if (snapshot === undefined) {
      this.storage.append(entries);
      return;
    }
    if (entries.length > 0) {
      throw new CommandError("can't apply snapshot and entries at the same time");
    }
    this.storage.applySnapshot(snapshot);
  }

  #apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const { data, membership } = this.newestSnapshot;
      const isChange = entry.kind === "membership";
      const update = isChange ? entry.change.context : entry.data;
      this.#history.push({
        index: entry.index,
        term: entry.term,
        data: new Uint8Array([...data, ...update]),
        membership: isChange
          ? this.core.applyMembershipChange(entry.change, entry.index)
          : membership,
      });
    }
  }
}
