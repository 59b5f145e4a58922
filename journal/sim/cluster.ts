import { foundingEntries } from "../quorum/mod.ts";
import { StorageError } from "../storage/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import { encodeWrite, Wal } from "../wal/mod.ts";
import { addressOf, directoryOf } from "./addresses.ts";
import { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import type { Plan } from "./plan.ts";
import { Process, type Site } from "./process.ts";
import type { Random } from "./random.ts";
import type { Seams } from "./seams.ts";
import { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";
import { Watch } from "./watch.ts";

/** What a cluster is made of. */
export interface ClusterOptions {
  readonly plan: Plan;
  readonly members: number;
  readonly random: Random;
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly seams: Seams;
}

/** All machines, what runs on them, and the network between them. */
export class Cluster {
  readonly timeline: Timeline;
  readonly network: Network;
  readonly watch = new Watch();
  readonly trace: Trace;
  readonly #random: Random;
  readonly #site: Site;
  readonly #machines = new Map<NodeId, Machine>();
  readonly #processes = new Map<NodeId, Process>();
  readonly #destroyed = new Set<NodeId>();

  constructor({ plan, members, random, timeline, trace, seams }: ClusterOptions) {
    this.timeline = timeline;
    this.trace = trace;
    this.#random = random;
    this.network = new Network(timeline, random.fork(), plan.network);
    this.#site = {
      timeline,
      network: this.network,
      watch: this.watch,
      trace,
      seams,
      timing: plan.timing,
      processOf: (id, directoryId) =>
        directoryId === undefined || directoryId === this.#directoryIdOf(id)
          ? this.#processes.get(id)
          : undefined,
      directoryIdOf: (id) => this.#directoryIdOf(id),
    };
    for (let id = 1; id <= members; id++) this.#addMachine(id);
    found(this.#machines.get(1), members);
    for (const id of this.#machines.keys()) this.start(id);
  }

  /** Every machine that still has what it promised, by id. */
  get machines(): readonly Machine[] {
    return [...this.#machines.values()].filter(({ id }) => !this.#destroyed.has(id));
  }

  get processes(): readonly Process[] {
    return [...this.#processes.values()].filter(({ id }) => !this.#destroyed.has(id));
  }

  isDestroyed(id: NodeId): boolean {
    return this.#destroyed.has(id);
  }

  processOf(id: NodeId): Process | undefined {
    return this.#processes.get(id);
  }

  /** Who leads the newest term; others may still think that they lead an older one. */
  get leader(): Process | undefined {
    return this.processes.filter(({ leads }) => leads)
      .sort((a, b) => b.status().term - a.status().term)[0];
  }

  /** A new machine with an empty disk, its program started. */
  addMachine(): NodeId {
    const id = Math.max(...this.#machines.keys()) + 1;
    this.#addMachine(id);
    this.start(id);
    return id;
  }

  /** Starts the program where it does not run. */
  start(id: NodeId): void {
    const machine = this.#machines.get(id);
    if (machine === undefined || this.#processes.has(id) || this.#destroyed.has(id)) return;
    try {
      this.#processes.set(id, new Process(machine, this.#site));
    } catch (error) {
      // A disk that fails keeps the program from starting; any other reason is a finding.
      if (!(error instanceof StorageError) || error.kind !== "io") throw error;
      this.trace.note(`member ${id}`, `does not start: ${error.message}`);
    }
  }

  /** The power fails. */
  crash(id: NodeId): void {
    this.#processes.get(id)?.crash();
    this.#processes.delete(id);
  }

  /** The machine, or all that was on it, is gone. */
  destroy(id: NodeId): void {
    this.crash(id);
    this.#destroyed.add(id);
    this.trace.note(`member ${id}`, "is destroyed");
  }

  /** The machine gets an empty disk, and its program is started as if nothing had been. */
  wipe(id: NodeId, startsAfterUs: number): void {
    const machine = this.#machines.get(id);
    this.destroy(id);
    if (machine === undefined) return;
    machine.wipe();
    this.timeline.after(startsAfterUs, () => {
      this.trace.note(`member ${id}`, "comes back with an empty disk");
      this.#processes.set(id, new Process(machine, this.#site));
    });
  }

  #directoryIdOf(id: NodeId): string {
    return this.#machines.get(id)?.directoryId ?? "";
  }

  #addMachine(id: NodeId): void {
    this.#machines.set(id, new Machine(id, this.timeline, this.#random.fork()));
  }
}

/** Writes the first entries of a new group's log to the disk of one of its members (JRN-55). */
function found(machine: Machine | undefined, members: number): void {
  if (machine === undefined) return;
  const entries = foundingEntries({
    founder: machine.id,
    members: Array.from({ length: members }, (_, at) => addressOf(at + 1)),
    clusterId: "simulated",
    now: new Date(0),
    // The least that a founder must know; the others are recorded by whoever leads.
    directories: new Map(
      Array.from(
        { length: Math.floor(members / 2) + 1 },
        (_, at) => [at + 1, directoryOf(at + 1, 1)],
      ),
    ),
  });
  const hardState = { term: 1, vote: 0, commit: entries.length };
  const wal = Wal.open(machine.disk, { newSalt: () => 1 });
  wal.write(encodeWrite({ hardState, entries }).bytes);
  wal.close();
}
