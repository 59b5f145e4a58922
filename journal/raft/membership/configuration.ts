import { assertInvariant } from "../errors.ts";
import { ascending, type NodeId } from "../ids.ts";
import type { JointVoters } from "../quorum/mod.ts";

/** Who belongs to the cluster, and as what. Never changed in place. */
export interface Configuration {
  readonly voters: JointVoters;
  /** Get the log, do not vote. */
  readonly learners: ReadonlySet<NodeId>;
  /** Outgoing voters that become learners when the joint configuration is left. */
  readonly learnersNext: ReadonlySet<NodeId>;
  /** The leader leaves the joint configuration by itself. */
  readonly autoLeave: boolean;
}

/** A configuration as lists, ascending: the form for snapshots and storage. */
export interface Membership {
  readonly voters: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly learnersNext: readonly NodeId[];
  readonly autoLeave: boolean;
}

export const EMPTY_CONFIGURATION: Configuration = {
  voters: { incoming: new Set(), outgoing: new Set() },
  learners: new Set(),
  learnersNext: new Set(),
  autoLeave: false,
};

export const EMPTY_MEMBERSHIP: Membership = membershipOf(EMPTY_CONFIGURATION);

export function isJoint({ voters }: Configuration): boolean {
  return voters.outgoing.size > 0;
}

/** Whether `id` votes in either half. */
export function isVoter({ voters }: Configuration, id: NodeId): boolean {
  return voters.incoming.has(id) || voters.outgoing.has(id);
}

/** Voters of both halves, ascending. */
export function voterIds({ voters }: Configuration): NodeId[] {
  return ascending(voters.incoming, voters.outgoing);
}

/** Everybody who gets the log, ascending. */
export function memberIds({ voters, learners }: Configuration): NodeId[] {
  return ascending(voters.incoming, voters.outgoing, learners);
}

export function membershipOf(configuration: Configuration): Membership {
  return {
    voters: ascending(configuration.voters.incoming),
    votersOutgoing: ascending(configuration.voters.outgoing),
    learners: ascending(configuration.learners),
    learnersNext: ascending(configuration.learnersNext),
    autoLeave: configuration.autoLeave,
  };
}

/** @throws {RaftInvariantError} when the sets contradict each other */
export function assertConfiguration(configuration: Configuration): void {
  const { voters, learners, learnersNext, autoLeave } = configuration;
  const isConsistent = learnersNext.isSubsetOf(voters.outgoing) &&
    learners.isDisjointFrom(voters.incoming) && learners.isDisjointFrom(voters.outgoing) &&
    learners.isDisjointFrom(learnersNext) &&
    (isJoint(configuration) || (learnersNext.size === 0 && !autoLeave));
  assertInvariant(
    isConsistent,
    "membership",
    () => `contradicting configuration ${JSON.stringify(membershipOf(configuration))}`,
  );
}
