import type { NodeId } from "../raft/mod.ts";
import type { Random } from "./random.ts";
import type { Timeline } from "./timeline.ts";

/** How the network treats what is sent, as shares of all packets and in microseconds. */
export interface NetworkConditions {
  readonly lossRate: number;
  readonly duplicateRate: number;
  readonly minDelayUs: number;
  readonly maxDelayUs: number;
  /** Packets that take far longer, so that others overtake them. */
  readonly lateRate: number;
  readonly lateUs: number;
}

/** What came of a packet, for senders that are told. */
export type Fate = "delivered" | "lost";

/** One way from one member to another. */
type Way = `${NodeId}>${NodeId}`;

const CALM: NetworkConditions = {
  lossRate: 0,
  duplicateRate: 0,
  minDelayUs: 200,
  maxDelayUs: 2_000,
  lateRate: 0,
  lateUs: 0,
};

/** A network that loses, doubles, delays and reorders, and whose ways can be cut one by one. */
export class Network {
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #cut = new Set<Way>();
  #conditions: NetworkConditions;

  constructor(timeline: Timeline, random: Random, conditions: NetworkConditions) {
    this.#timeline = timeline;
    this.#random = random;
    this.#conditions = conditions;
  }

  /** Takes a packet from one member to another; `deliver` is called for every copy that arrives. */
  send(from: NodeId, to: NodeId, deliver: () => void, onFate?: (fate: Fate) => void): void {
    this.#carry(() => this.#cut.has(`${from}>${to}`), deliver, onFate);
  }

  /** As `send`, between a client and a member: nobody cuts these ways. */
  sendOutside(deliver: () => void): void {
    this.#carry(() => false, deliver);
  }

  cutWay(from: NodeId, to: NodeId): void {
    this.#cut.add(`${from}>${to}`);
  }

  restoreWay(from: NodeId, to: NodeId): void {
    this.#cut.delete(`${from}>${to}`);
  }

  /** From here on the network is a good one. */
  heal(): void {
    this.#cut.clear();
    this.#conditions = CALM;
  }

  #carry(isCut: () => boolean, deliver: () => void, onFate?: (fate: Fate) => void): void {
    const random = this.#random;
    const { lossRate, duplicateRate } = this.#conditions;
    const isLost = random.chance(lossRate) || isCut();
    const copies = random.chance(duplicateRate) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      this.#timeline.after(this.#delayUs(), () => {
        const fate = isLost || isCut() ? "lost" : "delivered";
        if (fate === "delivered") deliver();
        if (copy === 0) onFate?.(fate);
      });
    }
  }

  #delayUs(): number {
    const { minDelayUs, maxDelayUs, lateRate, lateUs } = this.#conditions;
    const lateness = this.#random.chance(lateRate) ? this.#random.between(0, lateUs) : 0;
    return this.#random.between(minDelayUs, maxDelayUs) + lateness;
  }
}
