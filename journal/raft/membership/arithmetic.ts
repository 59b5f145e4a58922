/**
 * How changes turn one configuration into the next. Pure set arithmetic on copies: a change is
 * carried out whole or refused whole, and nothing here knows of logs, roles or progress.
 *
 * @module
 */
import type { NodeId } from "../ids.ts";
import type { MembershipChange, SingleChange } from "./change.ts";
import { effectOf } from "./change.ts";
import {
  type Configuration,
  EMPTY_CONFIGURATION,
  isJoint,
  memberIds,
  type Membership,
} from "./configuration.ts";

/** Why a change cannot be carried out on a configuration. */
export type ChangeRefusal =
  | "already-joint"
  | "no-voters-to-join"
  | "not-joint"
  | "simple-in-joint"
  | "no-voters-left"
  | "too-many-at-once";

const REFUSALS: Readonly<Record<ChangeRefusal, string>> = {
  "already-joint": "config is already joint",
  "no-voters-to-join": "can't make a zero-voter config joint",
  "not-joint": "can't leave a non-joint config",
  "simple-in-joint": "can't apply simple config change in joint config",
  "no-voters-left": "removed all voters",
  "too-many-at-once": "more than one voter changed without entering joint config",
};

/** A change that does not fit the configuration it was meant for. */
export class MembershipError extends Error {
  override readonly name = "MembershipError";

  constructor(readonly code: ChangeRefusal) {
    super(REFUSALS[code]);
  }
}

/** A configuration, and the members that start in it from nothing. */
export interface Reconfiguration {
  readonly configuration: Configuration;
  /** Whose replication state begins anew: added, or removed and added again within the change. */
  readonly fresh: ReadonlySet<NodeId>;
}

/** @throws {MembershipError} */
export function applyChange(
  configuration: Configuration,
  change: MembershipChange,
): Reconfiguration {
  const effect = effectOf(change);
  switch (effect.kind) {
    case "leave-joint":
      return leaveJoint(configuration);
    case "enter-joint":
      return enterJoint(configuration, change.changes, effect.autoLeave);
    case "simple":
      return changeSimply(configuration, change.changes);
  }
}

/**
 * Changes at most one incoming voter, so that any two majorities, before and after, meet.
 *
 * @throws {MembershipError}
 */
export function changeSimply(
  configuration: Configuration,
  changes: readonly SingleChange[],
): Reconfiguration {
  if (isJoint(configuration)) throw new MembershipError("simple-in-joint");
  const draft = new Draft(configuration);
  draft.applyAll(changes);
  const moved = draft.incoming.symmetricDifference(configuration.voters.incoming);
  if (moved.size > 1) throw new MembershipError("too-many-at-once");
  return draft.finish();
}

/**
 * Makes today's voters the outgoing half and carries the changes out on the incoming half.
 *
 * @throws {MembershipError}
 */
export function enterJoint(
  configuration: Configuration,
  changes: readonly SingleChange[],
  autoLeave: boolean,
): Reconfiguration {
  if (isJoint(configuration)) throw new MembershipError("already-joint");
  if (configuration.voters.incoming.size === 0) throw new MembershipError("no-voters-to-join");
  const draft = new Draft(configuration);
  draft.outgoing = new Set(configuration.voters.incoming);
  draft.autoLeave = autoLeave;
  draft.applyAll(changes);
  return draft.finish();
}

/**
 * Lets the incoming half decide alone.
 *
 * @throws {MembershipError}
 */
export function leaveJoint(configuration: Configuration): Reconfiguration {
  if (!isJoint(configuration)) throw new MembershipError("not-joint");
  return {
    configuration: {
      voters: { incoming: configuration.voters.incoming, outgoing: new Set() },
      learners: configuration.learners.union(configuration.learnersNext),
      learnersNext: new Set(),
      autoLeave: false,
    },
    fresh: new Set(),
  };
}

/**
 * The configuration that a stored membership describes, reached by the changes that lead to it,
 * so that what could not have come about is refused.
 *
 * @throws {MembershipError}
 */
export function restoreConfiguration(membership: Membership): Reconfiguration {
  const single = (kind: SingleChange["kind"]) => (id: NodeId): SingleChange => ({ kind, id });
  const incoming = [
    ...membership.voters.map(single("add-voter")),
    ...membership.learners.map(single("add-learner")),
    ...membership.learnersNext.map(single("add-learner")),
  ];
  const before = membership.votersOutgoing.map(single("add-voter"));
  let configuration = EMPTY_CONFIGURATION;
  for (const change of before.length > 0 ? before : incoming) {
    ({ configuration } = changeSimply(configuration, [change]));
  }
  if (before.length > 0) {
    const changes = [...membership.votersOutgoing.map(single("remove")), ...incoming];
    ({ configuration } = enterJoint(configuration, changes, membership.autoLeave));
  }
  return { configuration, fresh: new Set(memberIds(configuration)) };
}

/** A configuration in the making. */
class Draft {
  readonly incoming: Set<NodeId>;
  outgoing: Set<NodeId>;
  autoLeave: boolean;
  readonly #learners: Set<NodeId>;
  readonly #learnersNext: Set<NodeId>;
  readonly #members: Set<NodeId>;
  readonly #fresh = new Set<NodeId>();

  constructor(from: Configuration) {
    this.incoming = new Set(from.voters.incoming);
    this.outgoing = new Set(from.voters.outgoing);
    this.autoLeave = from.autoLeave;
    this.#learners = new Set(from.learners);
    this.#learnersNext = new Set(from.learnersNext);
    this.#members = new Set(memberIds(from));
  }

  applyAll(changes: readonly SingleChange[]): void {
    // Id 0 is nobody: a change that was cancelled in place keeps its entry but names no one.
    for (const { kind, id } of changes) if (id !== 0) this.#apply(kind, id);
    if (this.incoming.size === 0) throw new MembershipError("no-voters-left");
  }

  #apply(kind: SingleChange["kind"], id: NodeId): void {
    switch (kind) {
      case "add-voter":
        this.#admit(id);
        this.#learners.delete(id);
        this.#learnersNext.delete(id);
        this.incoming.add(id);
        return;
      case "add-learner":
        this.#addLearner(id);
        return;
      case "remove":
        this.#remove(id);
        return;
      case "update":
        return;
    }
  }

  #addLearner(id: NodeId): void {
    if (this.#learners.has(id)) return;
    this.#admit(id);
    this.incoming.delete(id);
    // Whoever still votes in the outgoing half must not be a learner before that half is gone.
    if (this.outgoing.has(id)) this.#learnersNext.add(id);
    else this.#learners.add(id);
  }

  #remove(id: NodeId): void {
    this.incoming.delete(id);
    this.#learners.delete(id);
    this.#learnersNext.delete(id);
    if (this.outgoing.has(id)) return;
    this.#members.delete(id);
    this.#fresh.delete(id);
  }

  #admit(id: NodeId): void {
    if (this.#members.has(id)) return;
    this.#members.add(id);
    this.#fresh.add(id);
  }

  finish(): Reconfiguration {
    return {
      configuration: {
        voters: { incoming: this.incoming, outgoing: this.outgoing },
        learners: this.#learners,
        learnersNext: this.#learnersNext,
        autoLeave: this.autoLeave,
      },
      fresh: this.#fresh,
    };
  }
}
