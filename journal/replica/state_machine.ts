import { PactError } from "../../common/errors/mod.ts";
import type { Entry } from "../../common/model/mod.ts";
import { FORMATS, type LogPosition, type LogRecord, readStamp, unstamped } from "../log/mod.ts";
import { decodeMembershipContext } from "../quorum/mod.ts";
import {
  apply,
  applyMembership,
  type DocumentChanges,
  type Envelope,
  foundCluster,
  instantText,
  type Outcome,
  packEnvelope,
  readEnvelope,
  type StateView,
  unpackEnvelope,
} from "../state/mod.ts";

/** The state that records are applied to: the state database, or the simulator's. */
export interface RecordStore extends StateView {
  /** Position of the last record this state contains; index 0 for none. */
  readonly applied: LogPosition;
  /** Stores everything `work` changes, or nothing of it. */
  batch<T>(work: () => T): T;
  /** Takes over what one record changed; `entryTexts` are the entries' canonical JSON. */
  write(
    entries: readonly Entry[],
    changes: DocumentChanges,
    entryTexts: readonly string[],
  ): void;
  /** Notes that everything up to `position` is applied. */
  advance(position: LogPosition): void;
}

/** One applied command: where it stood, what it carried, and what came of it. */
export interface AppliedRecord {
  readonly index: bigint;
  readonly envelope: Envelope;
  readonly outcome: Outcome;
}

/**
 * The bytes of a command as the log carries them, in no newer form than `newest`; the leader adds the
 * time.
 */
export function encodeEnvelope(
  envelope: Omit<Envelope, "timestamp">,
  newest: number = FORMATS.named,
): Uint8Array {
  const packed = newest >= FORMATS.packed ? packEnvelope(envelope) : undefined;
  return packed === undefined
    ? unstamped(JSON.stringify(envelope))
    : unstamped(JSON.stringify(packed), FORMATS.packed);
}

/**
 * Applies committed records in order and stores what they change in one transaction. Records the
 * store contains already are passed over, so replaying from anywhere is safe.
 *
 * @throws {PactError} DATA_CORRUPT for a record this program cannot read: going on without it would
 * part this member's state from the others'.
 * @throws {StorageError} when the state database cannot be written.
 */
export function applyRecords(store: RecordStore, records: readonly LogRecord[]): AppliedRecord[] {
  return store.batch(() => {
    const applied: AppliedRecord[] = [];
    for (const record of records) {
      const { index, term, payload, membership } = record;
      if (index <= store.applied.index) continue;
      if (index !== store.applied.index + 1n) throw gap(store.applied.index, index);
      if (membership !== undefined) applyMembershipRecord(store, membership);
      else if (payload.byteLength > 0) applied.push(applyOne(store, record));
      store.advance({ index, term });
    }
    return applied;
  });
}

function applyMembershipRecord(
  store: RecordStore,
  { membership, context }: NonNullable<LogRecord["membership"]>,
): void {
  const { cluster, members, directories } = decodeMembershipContext(context);
  const addresses = byMember(members);
  if (cluster !== undefined) store.write([], foundCluster(store, cluster), []);
  store.write([], applyMembership(store, membership, addresses, byMember(directories)), []);
}

function byMember<Value>(told: Readonly<Record<string, Value>>): Map<number, Value> {
  return new Map(Object.entries(told).map(([id, value]) => [Number(id), value]));
}

function applyOne(store: RecordStore, { index, payload }: LogRecord): AppliedRecord {
  const envelope = decodeEnvelope(index, payload);
  const outcome = apply(store, envelope);
  if (outcome.kind === "applied") {
    store.write(outcome.entries, outcome.writes, outcome.entryTexts);
  } else if (outcome.kind === "rejected") {
    store.write([], outcome.writes, []);
  }
  return { index, envelope, outcome };
}

const decoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true });

/** UTF-8 as text. What is none throws, but is looked for only where it left its mark: that is slow. */
function textOf(content: Uint8Array): string {
  const text = decoder.decode(content);
  return text.includes("\u{fffd}") ? strictDecoder.decode(content) : text;
}

function decodeEnvelope(index: bigint, payload: Uint8Array): Envelope {
  try {
    const stamp = readStamp(payload);
    if (stamp === undefined) throw new TypeError("unknown format");
    const { format, atMs, content } = stamp;
    const read = format === FORMATS.packed ? unpackEnvelope : readEnvelope;
    return read(JSON.parse(textOf(content)), instantText(atMs));
  } catch (cause) {
    throw new PactError(
      "DATA_CORRUPT",
      `log record ${index} holds no command this program knows; use the program that wrote it`,
      { cause },
    );
  }
}

function gap(applied: bigint, next: bigint): PactError {
  return new PactError(
    "DATA_CORRUPT",
    `the log goes on at record ${next}, the state stands at ${applied}: records between are missing`,
  );
}
