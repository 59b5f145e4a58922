/**
 * Replicas of one quorum in one process, with files of their own and a network in memory that tests
 * can cut. Ends with disposal.
 *
 * @module
 */
import { systemClock } from "../../../common/clock/mod.ts";
import type { EtcdSettings } from "../../../journal/etcd/mod.ts";
import { openDisk } from "../../../journal/disk/mod.ts";
import { NEWEST_FORMAT } from "../../../journal/log/mod.ts";
import type { MemberAddress, PeerHandler, PeerNetwork } from "../../../journal/peers/mod.ts";
import type { QuorumTiming } from "../../../journal/quorum/mod.ts";
import { openReplica, type Replica, type ReplicaOptions } from "../../../journal/replica/mod.ts";
import { openDurableLog, readEntry } from "../../../journal/wal/mod.ts";
import { tempDir } from "../temp_dir.ts";
import { waitFor } from "../wait_for.ts";

/** Quick enough for tests, slow enough for a busy machine. */
const TIMING: QuorumTiming = { tickMs: 20, heartbeatTicks: 2, electionTicks: 15 };

/** Where member `id` would be reached. */
export function memberAddress(id: number): MemberAddress {
  return { id, raft: `member-${id}:9444`, api: `member-${id}:9443` };
}

/** A quorum whose members 1 to `size` are founded by member 1; `etcd` keeps their log, if given. */
export async function openMemoryQuorum(size: number, etcd?: EtcdSettings): Promise<MemoryQuorum> {
  const quorum = new MemoryQuorum(await tempDir("pact-quorum-"), size, etcd);
  for (let id = 1; id <= size; id++) await quorum.start(id);
  return quorum;
}

/** See {@link openMemoryQuorum}. */
export class MemoryQuorum implements AsyncDisposable {
  readonly #replicas = new Map<number, Replica>();
  readonly #handlers = new Map<number, PeerHandler>();
  readonly #cut = new Set<number>();
  /** Members of a version that does not say which forms of records it reads. */
  readonly former = new Set<number>();

  constructor(
    private readonly directory: AsyncDisposable & { file(name: string): string },
    private readonly size: number,
    private readonly etcd?: EtcdSettings,
  ) {}

  /** Starts a member, again after `stop`; one beyond the founding ones waits to be added. */
  async start(id: number, options: Partial<ReplicaOptions["quorum"]> = {}): Promise<Replica> {
    const founders = Array.from({ length: this.size }, (_, at) => memberAddress(at + 1));
    const replica = await openReplica({
      dataDir: this.directory.file(`member-${id}`),
      clock: systemClock,
      random: Math.random,
      quorum: {
        id,
        configured: founders,
        ...id === 1 && { founding: founders },
        timing: TIMING,
        ...this.etcd !== undefined && { etcd: this.etcd },
        openNetwork: (handler) => Promise.resolve(this.#network(id, handler)),
        ...options,
      },
    });
    this.#replicas.set(id, replica);
    return replica;
  }

  async stop(id: number): Promise<void> {
    const replica = this.member(id);
    this.#replicas.delete(id);
    await replica.close();
  }

  member(id: number): Replica {
    const replica = this.#replicas.get(id);
    if (replica === undefined) throw new Error(`member ${id} does not run`);
    return replica;
  }

  get members(): readonly Replica[] {
    return [...this.#replicas.values()];
  }

  /** The commands in the log of a member that is stopped. */
  async stoppedLog(id: number): Promise<Uint8Array[]> {
    const directory = `${this.directory.file(`member-${id}`)}/raft`;
    const log = openDurableLog(directory);
    const disk = openDisk(directory);
    const entries = log.recovered.entries.map(({ place }) => readEntry(disk, place));
    await log.close();
    return entries.flatMap((entry) => entry.kind === "normal" ? [entry.data] : []);
  }

  /** Nothing reaches the member any more, nor comes from it. */
  cut(id: number): void {
    this.#cut.add(id);
  }

  heal(): void {
    this.#cut.clear();
  }

  /** The member that leads, among those that can be reached, once there is one. */
  async leader(): Promise<Replica> {
    return await waitFor(
      () =>
        [...this.#replicas].find(([id, replica]) =>
          !this.#cut.has(id) && replica.status().log.role === "leader"
        )?.[1],
      { what: "a leader" },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.heal();
    await Promise.all([...this.#replicas.keys()].map((id) => this.stop(id)));
    await this.directory[Symbol.asyncDispose]();
  }

  #network(id: number, handler: PeerHandler): PeerNetwork {
    this.#handlers.set(id, handler);
    const peer = (to: number): PeerHandler | undefined =>
      this.#cut.has(id) || this.#cut.has(to) ? undefined : this.#handlers.get(to);
    return {
      setMembers: () => {},
      send: (to, messages) =>
        setImmediate(() => {
          const there = peer(to);
          if (there === undefined) handler.onUnreachable(to);
          else there.onMessages(id, messages);
        }),
      sendSnapshot: (to, message, file) =>
        setImmediate(() => {
          const there = peer(to);
          if (there !== undefined) {
            const path = there.incomingSnapshotPath(file.sha256);
            Deno.copyFileSync(file.path, path);
            there.onSnapshot(id, message, { ...file, path });
          }
          handler.onSnapshotReported(to, there !== undefined);
        }),
      call: async (to, kind, data, signal) => {
        const there = peer(to);
        if (there === undefined) throw new Error(`member ${to} is out of reach`);
        return await there.onCall(id, kind, data, signal);
      },
      connected: () => new Set([...this.#handlers.keys()].filter((to) => peer(to) !== undefined)),
      directories: () => new Map(),
      recordFormatOf: (to) =>
        peer(to) === undefined || this.former.has(to) ? undefined : NEWEST_FORMAT,
      close: () => {
        this.#handlers.delete(id);
        return Promise.resolve();
      },
    };
  }
}
