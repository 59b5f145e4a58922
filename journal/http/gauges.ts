import type { Clock } from "../../common/clock/mod.ts";
import type { QuorumAdmin } from "../membership/mod.ts";
import type { Replica } from "../replica/mod.ts";

/** What the gauges of the state are read from. */
export interface GaugeSources {
  readonly replica: Replica;
  readonly clock: Clock;
  readonly quorum: QuorumAdmin;
  /** Bytes of the Raft log on disk. */
  readonly logBytes: () => number;
  /** Index of the newest snapshot; 0 without one. */
  readonly snapshotIndex: () => number;
}

/** Where a gauge's numbers come from when it is scraped. */
export type Collect = (
  set: (labels: Record<string, string>, value: number) => void,
) => void | Promise<void>;
/** Registers a gauge that is read at the scrape. */
export type AddGauge = (name: string, help: string, labelNames: string[], collect: Collect) => void;
