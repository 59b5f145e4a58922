import type { Index, NodeId } from "../raft/mod.ts";
import { directoryOf } from "./addresses.ts";
import { MemberClock } from "./member_clock.ts";
import { MemoryState } from "./memory_state.ts";
import type { Random } from "./random.ts";
import type { Seams } from "./seams.ts";
import { SimulatedDisk } from "./simulated_disk.ts";
import { SnapshotShelf } from "./snapshot_shelf.ts";
import type { Timeline } from "./timeline.ts";
import { Violation } from "./violation.ts";

/** Who sends, and with which disk. */
export type Sender = Pick<Machine, "id" | "directoryId">;

/** What of a member survives a crash: its disk and its clock. */
export class Machine {
  readonly id: NodeId;
  readonly clock: MemberClock;
  readonly random: Random;
  shelf = new SnapshotShelf();
  disk: SimulatedDisk;
  /** The state database as a crash now would leave it. */
  savedState = new MemoryState();
  /** How long a sync takes, at most. */
  syncUs: number;
  /** Until then the processor does nothing for the process, as in a long pause or a SIGSTOP. */
  standsStillUntilUs = 0;
  /** How often a process was started here. */
  starts = 0;
  #disks = 1;

  constructor(id: NodeId, timeline: Timeline, random: Random) {
    this.id = id;
    this.random = random;
    this.clock = new MemberClock(timeline, random.between(0.97, 1.03));
    this.disk = this.#newDisk();
    this.syncUs = random.pick([300, 2_000, 10_000]);
  }

  /** Drawn with the disk. */
  get directoryId(): string {
    return directoryOf(this.id, this.#disks);
  }

  /** Whether what it promised once was on a disk that is gone. */
  get isWiped(): boolean {
    return this.#disks > 1;
  }

  /** The disk is replaced by an empty one. */
  wipe(): void {
    this.#disks++;
    this.disk = this.#newDisk();
    this.shelf = new SnapshotShelf();
    this.savedState = new MemoryState();
  }

  #newDisk(): SimulatedDisk {
    return new SimulatedDisk(() => this.random.next());
  }

  /** The state that a log from behind `logStart` to `logEnd` continues, from the database or a snapshot. */
  openState(
    logStart: Index,
    logEnd: Index,
    { open, restore }: Pick<Seams, "open" | "restore">,
  ): MemoryState {
    if (this.savedState.appliedIndex >= logStart) return open(this.savedState.clone());
    const file = this.shelf.kept.find(({ index }) => index >= logStart && index <= logEnd);
    if (file === undefined) {
      throw new Violation("durability", `no snapshot reaches ${logStart}, where the log begins`);
    }
    return restore(MemoryState.restore(file.text));
  }
}
