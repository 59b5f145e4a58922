/**
 * Sends one snapshot to one peer, over a connection of its own, so that nothing on the ordered
 * stream waits behind it. Goes on where the peer wants it to after a break.
 */
import { type Client, ConnectError, createClient } from "@connectrpc/connect";
import { raft } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { type ErrorCode, fromConnectError, PactError } from "../../common/errors/mod.ts";
import type { RpcTransport } from "../../common/rpc/mod.ts";
import type { Message } from "../raft/mod.ts";
import { dialDelayMs } from "./backoff.ts";
import { encodeMessages } from "./codec.ts";
import { type Hello, helloHeaders } from "./hello.ts";
import type { SnapshotFile } from "./network.ts";
import {
  CHUNK_BYTES,
  parseSnapshotAnswer,
  type SnapshotAnswer,
  snapshotJson,
} from "./snapshot_meta.ts";

/** What is sent, and how. */
export interface SnapshotTransfer {
  readonly file: SnapshotFile;
  /** The Snap that names the file. */
  readonly message: Message;
  readonly transport: RpcTransport;
  readonly hello: () => Hello;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: () => number;
}

/** A piece may have to wait until the receiver has read again what it has of the file. */
const PIECE_TIMEOUT_MS = 120_000;
/** After so many failures without a piece in between the peer counts as gone. */
const MAX_FAILURES = 8;
/** What another try cannot change. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "DATA_CORRUPT",
  "INVALID_ARGUMENT",
  "PERMISSION_DENIED",
  "UNIMPLEMENTED",
]);

/**
 * Resolves when the peer has the whole file and the message.
 *
 * @throws PactError when the peer refuses it, or is gone for too long; the system's error when the
 * file cannot be read
 */
export async function transferSnapshot(transfer: SnapshotTransfer): Promise<void> {
  using source = await Deno.open(transfer.file.path);
  const client = createClient(raft.RaftService, transfer.transport);
  const { bytes } = transfer.file;
  let failures = 0;
  // A peer that wants the same again and again is not followed for ever.
  let piecesLeft = 2 * Math.ceil(bytes / CHUNK_BYTES) + 16;
  let wanted: number | undefined;
  while (piecesLeft-- > 0) {
    try {
      const answer = await sendPiece(client, transfer, source, wanted);
      if (answer.taken) return;
      failures = 0;
      wanted = answer.offset;
    } catch (error) {
      const failure = asPactError(error);
      const isFinal = FINAL.has(failure.code) || ++failures > MAX_FAILURES;
      if (isFinal || transfer.signal.aborted) throw failure;
      await pause(dialDelayMs(failures, transfer.random), transfer);
      // It may have taken the last piece and been unable to say so: ask.
      wanted = undefined;
    }
  }
  throw new PactError("INTERNAL", "the peer asks for the same pieces of a snapshot over and over");
}

/** @param offset where the peer wants to go on; undefined to ask it */
async function sendPiece(
  client: Client<typeof raft.RaftService>,
  { file, message, hello, signal }: SnapshotTransfer,
  source: Deno.FsFile,
  offset: number | undefined,
): Promise<SnapshotAnswer> {
  const { bytes, sha256 } = file;
  const piece = offset === undefined ? new Uint8Array(0) : await readPiece(source, offset, bytes);
  const done = offset !== undefined && offset + piece.length === bytes;
  const answer = await client.installSnapshot({
    vote: encodeMessages([message]),
    meta: snapshotJson({ sha256, bytes, offset: offset ?? 0, done }),
    snapshotData: piece,
  }, { signal, timeoutMs: PIECE_TIMEOUT_MS, headers: helloHeaders(hello()) });
  const wants = parseSnapshotAnswer(answer.data);
  if (wants === undefined || wants.offset > bytes) {
    throw new PactError("INVALID_ARGUMENT", "the peer wants a piece that does not exist");
  }
  return wants;
}

async function readPiece(
  source: Deno.FsFile,
  offset: number,
  bytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const piece = new Uint8Array(Math.min(CHUNK_BYTES, bytes - offset));
  await source.seek(offset, Deno.SeekMode.Start);
  for (let filled = 0; filled < piece.length;) {
    const read = await source.read(piece.subarray(filled));
    if (read === null) throw new PactError("DATA_CORRUPT", "the snapshot ends too early");
    filled += read;
  }
  return piece;
}

function asPactError(error: unknown): PactError {
  return error instanceof PactError ? error : fromConnectError(ConnectError.from(error));
}

async function pause(delayMs: number, { clock, signal }: SnapshotTransfer): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.setTimer(delayMs, resolve);
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  await promise;
  signal.removeEventListener("abort", onAbort);
  clock.clearTimer(timer);
}
