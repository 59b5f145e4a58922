import type { Entry } from "./entry.ts";
import type { Message } from "./messages.ts";
import type { SoftState } from "./raft_state.ts";
import type { ReadState } from "./reads.ts";
import type { Snapshot } from "./snapshot.ts";
import type { HardState } from "./storage.ts";

/**
 * What a member wants done, collected since the last Ready.
 *
 * With synchronous storage the caller makes `hardState`, `entries` and `snapshot` durable, then
 * sends `messages` and applies `committed`, then calls `advance`. With asynchronous storage all
 * work is in `messages`: those to the two storage threads say what to save and to apply, and which
 * responses to send when it is done; each thread works in order. A snapshot may be saved while older
 * entries wait to be applied: the apply thread answers for those without applying them.
 */
export interface Ready {
  readonly softState?: SoftState;
  readonly hardState?: HardState;
  readonly readStates: readonly ReadState[];
  /** To be made durable. */
  readonly entries: readonly Entry[];
  /** To be made durable, and to take the place of the state machine's state. */
  readonly snapshot?: Snapshot;
  /** To be applied, in order. */
  readonly committed: readonly Entry[];
  readonly messages: readonly Message[];
  /** Whether `entries` and `hardState` must be synced to disk before anything else. */
  readonly mustSync: boolean;
}
