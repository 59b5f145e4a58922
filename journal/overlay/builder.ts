import { type ErrorCode, PactError } from "../../common/errors/mod.ts";
import { countersOf, type DocumentsView, type Overlay } from "../state/mod.ts";
import { buildOverlay, isStale, type OverlayBuild, vclusterExists } from "./build.ts";

/** Codes that say that nothing can be proposed now. */
const UNAVAILABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "UNAVAILABLE",
  "NO_LEADER",
  "NO_QUORUM",
]);

/** What a builder works on. */
export interface OverlaySite {
  readonly state: DocumentsView;
  /** Proposes SetOverlay and resolves when it is applied here. */
  propose(overlay: OverlayBuild): Promise<void>;
  /** Whether anybody is known who could take a proposal; without, nobody is waited for (OVL-8). */
  hasLeader?(): boolean;
}

/** Builds overlays, one build per vCluster at a time (OVL-7). */
export class OverlayBuilder {
  readonly #site: OverlaySite;
  readonly #building = new Map<string, Promise<Overlay>>();

  constructor(site: OverlaySite) {
    this.#site = site;
  }

  /**
   * The overlay of a vCluster, built first when it is missing or stale.
   *
   * @throws {PactError} NOT_FOUND `no overlay for vCluster ID` for one never mentioned (OVL-9).
   */
  async fresh(vclusterId: string): Promise<Overlay> {
    const { state } = this.#site;
    const stored = state.get("overlays", vclusterId);
    if (stored !== undefined && !isStale(state, vclusterId)) return stored;
    if (!vclusterExists(state, vclusterId)) {
      throw new PactError("NOT_FOUND", `no overlay for vCluster ${vclusterId}`);
    }
    const needed = countersOf(state).next_sequence - 1;
    try {
      const built = await this.build(vclusterId);
      // The build that was under way may have begun before the newest change.
      return built.built_from_sequence >= needed ? built : await this.build(vclusterId);
    } catch (error) {
      // The last good overlay is better than none; the caller sees by isStale that it is one.
      if (stored !== undefined) return stored;
      throw error;
    }
  }

  /** Builds and proposes the overlay as the state has it now; joins a build under way. */
  build(vclusterId: string): Promise<Overlay> {
    const running = this.#building.get(vclusterId);
    if (running !== undefined) return running;
    const build = this.#build(vclusterId).finally(() => this.#building.delete(vclusterId));
    this.#building.set(vclusterId, build);
    return build;
  }

  async #build(vclusterId: string): Promise<Overlay> {
    const current = this.#site.state.get("overlays", vclusterId);
    if (current !== undefined && !isStale(this.#site.state, vclusterId)) return current;
    const overlay = buildOverlay(this.#site.state, vclusterId);
    if (this.#site.hasLeader?.() === false) return { ...overlay, built_at: NOT_STORED };
    try {
      await this.#site.propose(overlay);
    } catch (error) {
      if (!(error instanceof PactError)) throw error;
      // No leader to store it: every member builds the same bytes, so they are served all the same.
      if (UNAVAILABLE.has(error.code)) return { ...overlay, built_at: NOT_STORED };
      if (error.code !== "PRECONDITION") throw error;
      // Another member's newer build came first.
    }
    const stored = this.#site.state.get("overlays", vclusterId);
    if (stored === undefined) {
      throw new PactError("INTERNAL", `overlay of ${vclusterId} was stored and is not there`);
    }
    return stored;
  }
}

/** Whether an overlay was served as it was built here, without a leader to store it (OVL-8). */
export function isUnstored({ built_at }: Overlay): boolean {
  return built_at === NOT_STORED;
}

/** `built_at` of an overlay that is served without having been stored (OVL-8). */
const NOT_STORED = "1970-01-01T00:00:00.000Z";
