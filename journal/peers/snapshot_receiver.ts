/**
 * Puts together the snapshots that peers send. It owns the files that are not whole yet, one for
 * each sender; they are closed by `close` and stay where they are.
 */
import type { raft } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Message, NodeId } from "../raft/mod.ts";
import { CodecError, decodeMessages } from "./codec.ts";
import type { PeerHandler } from "./network.ts";
import { isComplete, PartialFile, type WholeFile } from "./partial_file.ts";
import {
  CHUNK_BYTES,
  parseSnapshotMeta,
  type SnapshotAnswer,
  snapshotJson,
  type SnapshotMeta,
} from "./snapshot_meta.ts";

/** Pieces that may wait for the one that is being written. */
const MAX_WAITING = 8;

type SnapshotHandler = Pick<PeerHandler, "incomingSnapshotPath" | "onSnapshot">;

/** The receiving end of InstallSnapshot. */
export class SnapshotReceiver {
  readonly #partial = new Map<NodeId, PartialFile>();
  #waiting = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(private readonly selfId: NodeId, private readonly handler: SnapshotHandler) {}

  /**
   * Takes a piece, or the question where to go on, which is a piece without bytes.
   *
   * @throws CodecError for what cannot be understood, PactError DATA_CORRUPT when the whole is not
   * what it was said to be, RESOURCE_EXHAUSTED when too many pieces wait
   */
  async receive(from: NodeId, request: raft.SnapshotRequest): Promise<Uint8Array<ArrayBuffer>> {
    const meta = parseSnapshotMeta(request.meta);
    const piece = request.snapshotData;
    if (meta === undefined) throw new CodecError("a snapshot without usable meta data");
    if (piece.length > CHUNK_BYTES || meta.offset + piece.length > meta.bytes) {
      throw new CodecError("a piece of a snapshot that is too long");
    }
    const message = readSnap(request.vote, { from, to: this.selfId });
    return snapshotJson(await this.#inTurn(() => this.#take(from, message, meta, piece)));
  }

  /** Waits for the piece that is being written. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turn;
    for (const from of this.#partial.keys()) this.#let(from);
  }

  async #take(
    from: NodeId,
    message: Message,
    meta: SnapshotMeta,
    piece: Uint8Array,
  ): Promise<SnapshotAnswer> {
    const path = this.handler.incomingSnapshotPath(meta.sha256);
    const whole = { path, bytes: meta.bytes, sha256: meta.sha256 };
    try {
      const partial = await this.#partialFor(from, whole);
      if (partial === undefined) return this.#handOver(from, message, meta, whole);
      if (piece.length > 0 && meta.offset === partial.offset) await partial.append(piece);
      const isWhole = partial.offset === meta.bytes;
      if (!isWhole || !meta.done) return { offset: partial.offset, taken: false };
      this.#partial.delete(from);
      if (await partial.finish()) return this.#handOver(from, message, meta, whole);
    } catch (error) {
      this.#let(from);
      throw error;
    }
    throw new PactError(
      "DATA_CORRUPT",
      `DATA_CORRUPT: the snapshot that came is not the one of SHA-256 ${meta.sha256}`,
    );
  }

  /** @returns undefined when the whole file is there */
  async #partialFor(from: NodeId, whole: WholeFile): Promise<PartialFile | undefined> {
    const known = this.#partial.get(from);
    if (known?.whole.path === whole.path && known.whole.bytes === whole.bytes) return known;
    if (known !== undefined) {
      // The sender has given that one up.
      this.#partial.delete(from);
      await known.discard();
    }
    if (await isComplete(whole)) return undefined;
    // The same file from another sender: the one who sends now goes on with it.
    for (const [other, { whole: { path } }] of this.#partial) {
      if (path === whole.path) this.#let(other);
    }
    const opened = await PartialFile.open(whole);
    this.#partial.set(from, opened);
    return opened;
  }

  #handOver(
    from: NodeId,
    message: Message,
    { done, bytes }: SnapshotMeta,
    file: WholeFile,
  ): SnapshotAnswer {
    if (done) this.handler.onSnapshot(from, message, file);
    return { offset: bytes, taken: done };
  }

  #let(from: NodeId): void {
    this.#partial.get(from)?.close();
    this.#partial.delete(from);
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new PactError("SHUTTING_DOWN", "SHUTTING_DOWN: this member stops");
    if (this.#waiting >= MAX_WAITING) {
      throw new PactError("RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED: too many pieces at once");
    }
    this.#waiting++;
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    try {
      return await done;
    } finally {
      this.#waiting--;
    }
  }
}

function readSnap(packed: Uint8Array, ends: { from: NodeId; to: NodeId }): Message {
  const [message, ...more] = decodeMessages(packed, ends);
  if (message?.type === "Snap" && more.length === 0) return message;
  throw new CodecError("a snapshot without the message that names it");
}
