/**
 * Owns the way to the other journals that follow the same log in etcd, and ends with `close`. What
 * goes there are messages of the quorum's own protocol, in the sense they have there:
 *
 * | message  | meaning                                                                       |
 * |----------|-------------------------------------------------------------------------------|
 * | Prop     | writes for the leader                                                         |
 * | AppResp  | `index` is applied, `commit` is the oldest snapshot kept; refused: what comes |
 * |          | next is not in etcd any more, a snapshot is wanted                            |
 * | Snap     | a snapshot of the state                                                       |
 * | TimeoutNow | take over the lead                                                          |
 *
 * @module
 */
import { PactError } from "../../common/errors/mod.ts";
import type { PeerCallKind, PeerHandler, PeerNetwork } from "../peers/mod.ts";
import type { CallHandler, Roster, SnapshotExchange } from "../quorum/mod.ts";
import { type Index, type Message, message, type NodeId } from "../raft/mod.ts";
import type { SnapshotStore } from "../snapshots/mod.ts";

/** What the peers are told, and what they tell. */
export interface JournalPeersOptions {
  readonly id: NodeId;
  readonly roster: Roster;
  readonly store: SnapshotStore;
  readonly snapshots: SnapshotExchange;
  /** First record that is still in etcd. */
  readonly firstIndex: () => Index;
  readonly onProposals: (payloads: readonly Uint8Array[]) => void;
  readonly onAsked: () => void;
  readonly onUnreachable: (peer: NodeId) => void;
  /** A snapshot came in and is among the kept ones. */
  readonly onSnapshot: (message: Message) => void;
  readonly onDuplicate: (reason: string) => void;
}

/** How far another journal has come. */
interface Progress {
  readonly applied: Index;
  /** Index of the oldest snapshot it keeps; 0 for none. */
  readonly kept: Index;
}

/** See the module. */
export class JournalPeers {
  readonly #options: JournalPeersOptions;
  readonly #progress = new Map<NodeId, Progress>();
  readonly #calls = new Map<PeerCallKind, CallHandler>();
  /** To whom a snapshot is on its way. */
  readonly #sending = new Set<NodeId>();
  #network: PeerNetwork | undefined;
  #asked = 0;

  constructor(options: JournalPeersOptions) {
    this.#options = options;
  }

  async open(
    openNetwork: ((handler: PeerHandler) => Promise<PeerNetwork>) | undefined,
  ): Promise<void> {
    this.#network = await openNetwork?.(this.#handler());
    this.#options.roster.follow(this.#network);
  }

  get connected(): ReadonlySet<NodeId> {
    return this.#network?.connected() ?? new Set();
  }

  /** What other journals have last said of themselves. */
  get progress(): ReadonlyMap<NodeId, Progress> {
    return this.#progress;
  }

  handleCalls(kind: PeerCallKind, handler: CallHandler): void {
    this.#calls.set(kind, handler);
  }

  /** Undefined without a way to others. */
  call(
    to: NodeId,
    kind: PeerCallKind,
    data: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> | undefined {
    return this.#network?.call(to, kind, data, signal);
  }

  /** Sends writes to the leader; false without a way there. */
  propose(leader: NodeId, payloads: readonly Uint8Array[]): boolean {
    if (this.#network === undefined) return false;
    const entries = payloads.map((data) => ({ kind: "normal", term: 0, index: 0, data }) as const);
    this.#send(leader, { type: "Prop", entries });
    return true;
  }

  /** Tells the leader how far this journal has come. */
  report(leader: NodeId, { applied, kept }: Progress): void {
    this.#send(leader, { type: "AppResp", index: applied, commit: kept });
  }

  /** Asks one of the others for a snapshot, the next time another one. */
  askForSnapshot(nextIndex: Index): void {
    const peers = [...this.connected].sort((a, b) => a - b);
    const peer = peers[this.#asked++ % peers.length];
    if (peer === undefined) return;
    this.#send(peer, { type: "AppResp", index: nextIndex - 1, reject: true });
  }

  /** Asks another to take over. */
  askToLead(target: NodeId): void {
    this.#send(target, { type: "TimeoutNow" });
  }

  async close(): Promise<void> {
    await this.#network?.close();
  }

  #send(to: NodeId, draft: Omit<Parameters<typeof message>[0], "to">): void {
    this.#network?.send(to, [message({ ...draft, from: this.#options.id, to })]);
  }

  #handler(): PeerHandler {
    const { store, snapshots, onUnreachable, onSnapshot, onDuplicate } = this.#options;
    return {
      onMessages: (from, messages) => {
        for (const each of messages) this.#receive(from, each);
      },
      onUnreachable,
      onSnapshotReported: (peer) => void this.#sending.delete(peer),
      incomingSnapshotPath: (sha256) => store.incomingPath(sha256),
      onSnapshot: (_from, incoming, file) => {
        snapshots.receive(incoming, file);
        onSnapshot(incoming);
      },
      onCall: async (from, kind, data, signal) => {
        const handler = this.#calls.get(kind);
        if (handler !== undefined) return await handler(from, data, signal);
        throw new PactError("UNAVAILABLE", `this member does not answer ${kind} (yet)`);
      },
      onDuplicate: (_peer, reason) => onDuplicate(reason),
    };
  }

  #receive(from: NodeId, { type, entries, index, commit, reject }: Message): void {
    if (type === "Prop") {
      this.#options.onProposals(
        entries.flatMap((entry) => entry.kind === "normal" ? [entry.data] : []),
      );
    } else if (type === "AppResp" && reject) {
      this.#sendSnapshot(from);
    } else if (type === "AppResp") {
      this.#progress.set(from, { applied: index, kept: commit });
    } else if (type === "TimeoutNow") {
      this.#options.onAsked();
    }
  }

  #sendSnapshot(to: NodeId): void {
    const { id, roster, snapshots, firstIndex } = this.#options;
    if (this.#sending.has(to) || this.#network === undefined) return;
    // Where none serves one is made; the other asks again.
    const snapshot = snapshots.toSend(roster.membership, firstIndex());
    if (snapshot === undefined) return;
    const outgoing = message({ type: "Snap", from: id, to, term: snapshot.term, snapshot });
    const file = snapshots.fileOf(outgoing);
    if (file === undefined) return;
    this.#sending.add(to);
    this.#network.sendSnapshot(to, outgoing, file);
  }
}
