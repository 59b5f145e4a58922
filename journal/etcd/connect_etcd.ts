/**
 * The beginning of a journal's part in etcd: whether etcd can be reached and used, and whether what
 * stands below the prefix is this journal's cluster.
 *
 * @module
 */
import type { Clock } from "../../common/clock/mod.ts";
import { encodeMembershipContext } from "../quorum/mod.ts";
import type { MemberAddress } from "../peers/mod.ts";
import type { EntryId } from "../raft/mod.ts";
import { EtcdClient, type EtcdClientOptions } from "./etcd_client.ts";
import { EtcdError } from "./etcd_error.ts";
import { Keys } from "./keys.ts";
import { pause } from "./pause.ts";
import { encodeCluster, encodeHead, makePiece } from "./pieces.ts";
import { isAbsent, type Overview, put, readOverview, transact } from "./store.ts";

/** What a journal is told of its etcd. */
export interface EtcdSettings extends Omit<EtcdClientOptions, "clock"> {
  /** Below which all the journal's keys are, as in `/pact/journal`. */
  readonly prefix: string;
  /** How long a leader that is not heard of leads on. */
  readonly leaseTtlSeconds: number;
  /** Whether etcd's history is compacted by the journal. */
  readonly compactsHistory: boolean;
}

/** etcd, reached, with a prefix that this journal may work on. */
export interface EtcdConnection {
  readonly client: EtcdClient;
  readonly keys: Keys;
  readonly settings: EtcdSettings;
  /** As it was found, or founded. */
  readonly overview: Overview;
}

const START_LIMIT_MS = 15_000;
const RETRY_MS = 500;

/** What connecting needs. */
interface ConnectOptions {
  readonly settings: EtcdSettings;
  readonly clock: Clock;
  /** The cluster that the state on disk belongs to. */
  readonly clusterId?: string;
  /** What a restored state, which belongs to no cluster, contains of its former one's log. */
  readonly restored?: EntryId;
  /** Members of the cluster that is to be where none is. */
  readonly founding?: readonly MemberAddress[];
  /** How long etcd is waited for, which may come up at the same time; default 15 s. */
  readonly limitMs?: number;
}

/**
 * Connects, and founds the cluster where nobody has and this journal is to.
 *
 * @throws {EtcdError} when etcd cannot be reached or refuses, and when the prefix belongs to another
 * cluster than the state does.
 */
export async function connectEtcd(
  { settings, clock, clusterId, restored, founding, limitMs = START_LIMIT_MS }: ConnectOptions,
): Promise<EtcdConnection> {
  const client = new EtcdClient({ ...settings, clock });
  try {
    const keys = new Keys(settings.prefix);
    let overview = await patiently(clock, limitMs, () => readOverview(client, keys));
    if (overview.mark === undefined && clusterId === undefined && founding !== undefined) {
      await patiently(
        clock,
        limitMs,
        () => found(client, keys, founding, restored ?? NOTHING, clock),
      );
      overview = await readOverview(client, keys);
    }
    const connection = { client, keys, settings, overview };
    requireCluster(connection, clusterId);
    requireOwnBase(connection, restored);
    return connection;
  } catch (error) {
    client.close();
    throw error;
  }
}

async function patiently<T>(clock: Clock, limitMs: number, attempt: () => Promise<T>): Promise<T> {
  const never = new AbortController().signal;
  const endMs = clock.monotonicMs() + limitMs;
  // Ends with an answer, with a refusal, or when the time is up.
  while (true) {
    try {
      return await attempt();
    } catch (error) {
      const isPassing = error instanceof EtcdError && error.kind === "unreachable";
      if (!isPassing || clock.monotonicMs() >= endMs) throw error;
      await pause(clock, RETRY_MS, never);
    }
  }
}

const NOTHING: EntryId = { index: 0, term: 0 };

/** Only the first of several that found does; what it writes is one transaction. */
async function found(
  client: EtcdClient,
  keys: Keys,
  members: readonly MemberAddress[],
  base: EntryId,
  clock: Clock,
): Promise<void> {
  const clusterId = crypto.randomUUID();
  const term = base.term + 1;
  const index = base.index + 1;
  const piece = makePiece(index, term, [{
    kind: "membership",
    voters: members.map(({ id }) => id).toSorted((a, b) => a - b),
    learners: [],
    context: encodeMembershipContext({
      cluster: { cluster_id: clusterId, created_at: new Date(clock.nowMs()).toISOString() },
      members: Object.fromEntries(
        members.map(({ id, raft, api }) => [String(id), { raft_address: raft, api_address: api }]),
      ),
    }),
  }]);
  await transact(client, {
    compare: [isAbsent(keys.cluster), isAbsent(keys.head)],
    success: [
      put(keys.cluster, encodeCluster({ clusterId, base })),
      put(keys.piece(index), piece.bytes),
      put(keys.head, encodeHead({ lastIndex: index, term })),
    ],
  });
}

/** @throws {EtcdError} when the state's cluster `here` is not the one below the prefix. */
export function requireCluster(
  { settings: { prefix }, overview: { mark } }: Pick<EtcdConnection, "settings" | "overview">,
  here: string | undefined,
): void {
  const there = mark?.clusterId;
  if (here === undefined || here === there) return;
  const remedy =
    `is journal.etcd.prefix right? To begin anew in etcd with this state, make a backup of it, restore ` +
    "that with --force-new-cluster and start with --bootstrap; to join what is in etcd, empty the " +
    "data directory";
  throw new EtcdError(
    "invalid",
    there === undefined
      ? `etcd holds no journal below ${prefix}, and the data directory belongs to cluster ${here}: ${remedy}`
      : `etcd holds cluster ${there} below ${prefix}, and the data directory belongs to cluster ${here}: ${remedy}`,
  );
}

/** A restored state goes on as the cluster that was founded on it, and as no other. */
function requireOwnBase(
  { settings: { prefix }, overview: { mark } }: Pick<EtcdConnection, "settings" | "overview">,
  restored: EntryId | undefined,
): void {
  if (restored === undefined || mark === undefined) return;
  if (mark.base.index === restored.index && mark.base.term === restored.term) return;
  throw new EtcdError(
    "invalid",
    `etcd holds cluster ${mark.clusterId} below ${prefix}, and the data directory a restored state: to found ` +
      "a cluster on that, name another journal.etcd.prefix; to join what is in etcd, empty the data directory",
  );
}
