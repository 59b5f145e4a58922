import type { Clock } from "../../common/clock/mod.ts";

/** Since when and why there is no contact with the journal (PRT-1). */
export interface Outage {
  readonly sinceMs: number;
  readonly reason: string;
}

/** Whether the node is in contact with a journal. */
export class Contact {
  #isConnected = false;
  #outage: Outage | undefined;

  constructor(private readonly clock: Clock) {}

  get isConnected(): boolean {
    return this.#isConnected;
  }

  get outage(): Outage | undefined {
    return this.#outage;
  }

  /** What status shows of an outage, nothing while there is none (BTS-9). */
  texts(): string[] {
    if (this.#outage === undefined) return [];
    const since = new Date(this.#outage.sinceMs).toISOString();
    return [`degraded: journal unreachable since ${since}`];
  }

  /** Notes contact made or lost; answers what has begun or ended by it. */
  note(
    { connected, reason }: { readonly connected: boolean; readonly reason: string },
  ): "lost" | "found" | undefined {
    const outage = this.#outage;
    this.#isConnected = connected;
    if (connected) {
      this.#outage = undefined;
      return outage === undefined ? undefined : "found";
    }
    this.#outage = { sinceMs: outage?.sinceMs ?? this.clock.nowMs(), reason };
    return outage === undefined ? "lost" : undefined;
  }
}
