/**
 * The first meeting of those who are to found a cluster. Owns a network for as long as it takes, and
 * closes it again.
 */
import { ConfigError } from "../../common/config/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import type { MemberAddress, PeerHandler } from "./network.ts";
import { openPeerNetwork, type PeerNetworkOptions } from "./peer_network.ts";

/** Who is met, and by whom. */
export interface MeetingOptions
  extends Omit<PeerNetworkOptions, "handler" | "clusterId" | "onClusterId" | "directories"> {
  readonly self: PeerNetworkOptions["self"] & { readonly directoryId: string };
  /** Everybody who is to be in the cluster, this member included. */
  readonly members: readonly MemberAddress[];
  readonly signal: AbortSignal;
}

const LOOK_MS = 50;
/** How long those who start beside a majority are waited for: whom the founder has met counts at once. */
const LATECOMERS_MS = 1_000;
/** How often it is said who is waited for. */
const SAY_EVERY_MS = 10_000;

/** What a member that wants to found a cluster does, going by what it has heard. */
export type MeetingOutcome =
  | { readonly kind: "found"; readonly directories: ReadonlyMap<NodeId, string> }
  | { readonly kind: "wait"; readonly missing: readonly NodeId[] };

/** Whether those that were met are enough: nobody's answer counts whose directory is not known. */
export function judgeMeeting(
  self: { readonly id: NodeId; readonly directoryId: string },
  members: readonly NodeId[],
  heard: ReadonlyMap<NodeId, string | undefined>,
): MeetingOutcome {
  const directories = new Map([[self.id, self.directoryId]]);
  for (const id of members) {
    const directory = heard.get(id);
    if (id !== self.id && directory !== undefined) directories.set(id, directory);
  }
  return directories.size * 2 > members.length
    ? { kind: "found", directories }
    : { kind: "wait", missing: members.filter((id) => !directories.has(id)) };
}

/**
 * Waits until a majority of the founding members is connected, and resolves with their data
 * directories, the own one among them.
 *
 * @throws {ConfigError} when one of them belongs to a cluster already: this member would found a
 * second one (JRN-55); and the reason of `signal`.
 */
export async function meetMajority(
  { members, signal, ...options }: MeetingOptions,
): Promise<ReadonlyMap<NodeId, string>> {
  const { self, clock, log } = options;
  const refused = Promise.withResolvers<never>();
  const refuse = (why: string) => refused.reject(secondCluster(self.id, why));
  await using meeting = await open(options, refuse);
  meeting.network.setMembers(members);
  const ids = members.map(({ id }) => id);
  let saidMs = clock.monotonicMs() - SAY_EVERY_MS;
  let enoughMs: number | undefined;
  // Ends: with a majority, with a member that belongs to a cluster, or when the process is to end.
  while (true) {
    signal.throwIfAborted();
    const outcome = judgeMeeting(self, ids, meeting.network.directories());
    if (outcome.kind === "found") {
      enoughMs ??= clock.monotonicMs();
      const isLate = clock.monotonicMs() - enoughMs >= LATECOMERS_MS;
      if (isLate || outcome.directories.size === ids.length) return outcome.directories;
    } else if (clock.monotonicMs() - saidMs >= SAY_EVERY_MS) {
      saidMs = clock.monotonicMs();
      log.info("waits for a majority of the members before it founds the cluster", {
        missing: outcome.missing.join(","),
      });
    }
    const look = new Promise<void>((resolve) => clock.setTimer(LOOK_MS, resolve));
    await Promise.race([look, refused.promise]);
  }
}

async function open(
  options: Omit<MeetingOptions, "members" | "signal">,
  refuse: (why: string) => void,
) {
  const handler: PeerHandler = {
    onMessages: () => {},
    onUnreachable: () => {},
    onDuplicate: (_peer, text) => refuse(text),
    onDisplaced: (_peer, text) => refuse(text),
    onSnapshotReported: () => {},
    incomingSnapshotPath: () => {
      throw notYet();
    },
    onSnapshot: () => {},
    onCall: () => Promise.reject(notYet()),
  };
  const network = await openPeerNetwork({
    ...options,
    handler,
    clusterId: () => undefined,
    onClusterId: (id) => refuse(`one of the members belongs to cluster ${id} already`),
  });
  return { network, [Symbol.asyncDispose]: () => network.close() };
}

function notYet(): PactError {
  return new PactError("UNAVAILABLE", "UNAVAILABLE: this member belongs to no cluster yet");
}

function secondCluster(id: NodeId, why: string): ConfigError {
  return new ConfigError(
    `--bootstrap would found a second cluster, for ${why}. Where member ${id} lost its data, remove it (` +
      "pact-journal member remove), and add one with an empty data directory under another id; where " +
      "it is new, start it without --bootstrap",
  );
}
