import type { Lease } from "./lease.ts";

/** Gets a lease on one interface and keeps it. */
export interface LeaseKeeper {
  /** Rejects when no server answers in time. */
  readonly first: Promise<Lease>;
  close(): void;
}

/** What a keeper tells beyond the first lease. */
export interface LeaseEvents {
  onLease(lease: Lease): void;
  /** The address must not be used any more. */
  onLost(reason: string): void;
}
