import type { LogRecord } from "../log/mod.ts";
import type { ApplyWork, Member } from "../member/mod.ts";
import type { Entry, Snapshot } from "../raft/mod.ts";
import { ApplyQueue } from "./apply_queue.ts";
import type { Roster } from "./roster.ts";
import type { SnapshotExchange } from "./snapshot_exchange.ts";

/** What committed work passes by on its way to the state machine. */
export interface FeedSite {
  readonly member: Pick<Member<unknown>, "applyMembershipChange">;
  readonly roster: Roster;
  readonly snapshots: SnapshotExchange;
  /** The state machine contains the work. */
  readonly onApplied: (work: ApplyWork) => void;
}

/**
 * What is committed, as records and snapshots for the state machine. Changes of the membership take
 * effect in the core on the way.
 */
export class CommittedFeed {
  readonly queue = new ApplyQueue();
  readonly #site: FeedSite;

  constructor(site: FeedSite) {
    this.#site = site;
  }

  push(work: ApplyWork): void {
    const records = work.entries.map((entry) => this.#recordOf(entry));
    this.queue.push({
      batch: { kind: "records", records },
      onApplied: () => this.#site.onApplied(work),
    });
  }

  /** A snapshot took the place of the log; it comes before everything that is committed later. */
  pushSnapshot(snapshot: Snapshot): void {
    const { index, term, membership } = snapshot;
    const path = this.#site.snapshots.pathOf(snapshot);
    this.#site.roster.setMembership(membership);
    const position = { index: BigInt(index), term: BigInt(term) };
    this.queue.push({ batch: { kind: "snapshot", position, path }, onApplied: () => {} });
  }

  #recordOf(entry: Entry): LogRecord {
    const index = BigInt(entry.index);
    const term = BigInt(entry.term);
    if (entry.kind === "normal") return { index, term, payload: entry.data };
    const membership = this.#site.member.applyMembershipChange(entry.change, entry.index);
    this.#site.roster.setMembership(membership);
    const { context } = entry.change;
    return { index, term, payload: NO_PAYLOAD, membership: { membership, context } };
  }
}

const NO_PAYLOAD = new Uint8Array(0);
