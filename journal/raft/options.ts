import type { Index } from "./entry.ts";
import { assertInvariant } from "./errors.ts";
import type { RaftEvent } from "./events.ts";
import type { NodeId } from "./ids.ts";
import type { LogStorage } from "./storage.ts";

/**
 * How a read becomes safe: `safe` asks a quorum who leads; `lease` trusts that clocks of members
 * run at about the same speed, and needs the check of the quorum.
 */
export type ReadMode = "safe" | "lease";

/** What a member is made of. */
export interface RaftOptions {
  readonly id: NodeId;
  readonly storage: LogStorage;
  /** A whole number from 0 up to but without `bound`: the core has no randomness of its own. */
  readonly random: (bound: number) => number;
  /** The last entry that the state machine has applied already; the core hands out later ones. */
  readonly applied?: Index;
  /** Ticks without a leader after which a member campaigns, at least; less than twice at most. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Bytes of entries per append message; the first entry goes in any case. */
  readonly maxAppendBytes?: number;
  /** Entries per append message. */
  readonly maxAppendEntries?: number;
  /** Committed entries that are handed out and not yet applied. Default: as `maxAppendBytes`. */
  readonly maxApplyingBytes?: number;
  /** Payload of proposals that are not applied yet; more are dropped. */
  readonly maxUncommittedBytes?: number;
  /** Append messages on their way to one member. */
  readonly maxInflightMessages?: number;
  readonly maxInflightBytes?: number;
  /** Reads that wait for being confirmed; more are refused. */
  readonly maxPendingReads?: number;
  /** A leader without a quorum steps down, and nobody votes while there is a leader. */
  readonly checkQuorum?: boolean;
  /** Ask whether an election could be won before disturbing anybody with one. */
  readonly preVote?: boolean;
  readonly readMode?: ReadMode;
  /** A follower passes proposals on to the leader. */
  readonly forwardProposals?: boolean;
  /** Storage writes by messages to the storage threads, while the core goes on. */
  readonly asyncStorageWrites?: boolean;
  /**
   * A follower that takes an append without entries, sent because something was committed, does not
   * answer: it would say what it has said, or is about to say, of the entries themselves. Should
   * that get lost, the answer to a heartbeat makes the leader ask.
   */
  readonly quietCommits?: boolean;
  /** Replace membership changes that come at the wrong time by empty entries. */
  readonly validateMembershipChanges?: boolean;
  /**
   * A leader that is removed or demoted becomes a follower when it applies that. Without, it goes
   * on until its caller hands leadership over, which is the safer way: whoever steps down at once
   * may leave members behind that do not know of the commit and, where the outgoing half has two
   * voters, can win no election without it.
   */
  readonly stepDownOnRemoval?: boolean;
  /** Told of what is worth a log line. */
  readonly onEvent?: (event: RaftEvent) => void;
}

/** Options without gaps. */
export type RaftSettings = Required<RaftOptions>;

const DEFAULTS = {
  applied: 0,
  maxAppendBytes: 1 << 20,
  maxAppendEntries: Infinity,
  maxUncommittedBytes: 256 * (1 << 20),
  maxInflightMessages: 256,
  maxInflightBytes: 64 * (1 << 20),
  maxPendingReads: 1 << 16,
  checkQuorum: true,
  preVote: true,
  readMode: "safe",
  forwardProposals: true,
  asyncStorageWrites: false,
  quietCommits: false,
  validateMembershipChanges: true,
  stepDownOnRemoval: false,
  onEvent: () => {},
} as const;

/** @throws {RaftInvariantError} for options that contradict each other */
export function settle(options: RaftOptions): RaftSettings {
  const maxAppendBytes = options.maxAppendBytes ?? DEFAULTS.maxAppendBytes;
  const settings = { ...DEFAULTS, maxApplyingBytes: maxAppendBytes, ...options };
  const demand = (holds: boolean, what: string) => assertInvariant(holds, "options", () => what);
  demand(Number.isSafeInteger(settings.id) && settings.id > 0, "id is a whole number from 1");
  demand(settings.heartbeatTicks > 0, "heartbeatTicks is more than 0");
  demand(
    settings.electionTicks > settings.heartbeatTicks,
    "electionTicks is more than heartbeatTicks",
  );
  demand(settings.maxAppendEntries > 0, "maxAppendEntries is more than 0");
  demand(settings.maxInflightMessages > 0, "maxInflightMessages is more than 0");
  demand(
    settings.maxInflightBytes >= settings.maxAppendBytes,
    "maxInflightBytes is at least maxAppendBytes",
  );
  demand(settings.maxApplyingBytes > 0, "maxApplyingBytes is more than 0");
  demand(
    settings.readMode === "safe" || settings.checkQuorum,
    "readMode lease needs checkQuorum",
  );
  return settings;
}
