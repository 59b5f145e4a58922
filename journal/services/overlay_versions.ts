import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { Entry } from "../../common/model/mod.ts";
import { affectedVCluster, REBUILD_INTERVAL_MS } from "../overlay/mod.ts";
import type { Replica } from "../replica/mod.ts";

/** Most vClusters whose last answer is remembered; forgetting one costs a build. */
const MAX_REMEMBERED = 10_000;

/** What {@link OverlayVersions} works with. */
export interface OverlayVersionsSite {
  readonly replica: Pick<Replica, "overlay">;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Tells who changed a vCluster the version of the overlay that holds the change. A change by itself
 * waits for its overlay. Of a burst, one change in 250 ms does (OVL-6), the others are told 0: their
 * overlay is built together, by the leader or on demand by the first who asks for it (OVL-7).
 */
export class OverlayVersions {
  /** When a caller last began to wait; Infinity while one does. */
  readonly #askedMs = new Map<string, number>();

  constructor(private readonly site: OverlayVersionsSite) {}

  /** Never fails: the entry is in the log whatever becomes of the build, which is retried (OVL-11). */
  after(entry: Pick<Entry, "entry_type" | "scope">): number | Promise<number> {
    const vclusterId = affectedVCluster(entry);
    if (vclusterId === undefined) return 0;
    const nowMs = this.site.clock.monotonicMs();
    if (nowMs - (this.#askedMs.get(vclusterId) ?? -Infinity) < REBUILD_INTERVAL_MS) return 0;
    this.#askedMs.set(vclusterId, Infinity);
    return this.#build(vclusterId);
  }

  async #build(vclusterId: string): Promise<number> {
    const { clock, replica, log } = this.site;
    try {
      return (await replica.overlay(vclusterId)).version;
    } catch (error) {
      log.warn("overlay build failed after commit", {
        vcluster: vclusterId,
        error: String(error),
      });
      return 0;
    } finally {
      this.#remember(vclusterId, clock.monotonicMs());
    }
  }

  #remember(vclusterId: string, atMs: number): void {
    this.#askedMs.delete(vclusterId);
    this.#askedMs.set(vclusterId, atMs);
    if (this.#askedMs.size <= MAX_REMEMBERED) return;
    const oldest = this.#askedMs.keys().next();
    if (oldest.done !== true) this.#askedMs.delete(oldest.value);
  }
}
