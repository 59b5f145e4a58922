import { PactError } from "../../common/errors/mod.ts";
import type { LogRecord } from "../log/mod.ts";
import { apply, type Envelope, type Outcome, readEnvelope } from "../state/mod.ts";
import type { StateStore } from "../store/mod.ts";

/** One applied log record: what it carried and what came of it. */
export interface AppliedRecord {
  readonly index: bigint;
  readonly envelope: Envelope;
  readonly outcome: Outcome;
}

const encoder = new TextEncoder();

/** The bytes of a command as the log carries them. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  return encoder.encode(JSON.stringify(envelope));
}

/**
 * Applies committed records in order and stores what they change in one transaction. Records the
 * store contains already are passed over, so replaying from anywhere is safe.
 *
 * @throws {PactError} DATA_CORRUPT for a record this program cannot read: going on without it would
 * part this member's state from the others'.
 * @throws {StorageError} when the state database cannot be written.
 */
export function applyRecords(store: StateStore, records: readonly LogRecord[]): AppliedRecord[] {
  return store.batch(() => {
    const applied: AppliedRecord[] = [];
    for (const record of records) {
      const { index, term, payload } = record;
      if (index <= store.applied.index) continue;
      if (index !== store.applied.index + 1n) throw gap(store.applied.index, index);
      if (payload.byteLength > 0) applied.push(applyOne(store, record));
      store.advance({ index, term });
    }
    return applied;
  });
}

function applyOne(store: StateStore, { index, payload }: LogRecord): AppliedRecord {
  const envelope = decodeEnvelope(index, payload);
  const outcome = apply(store, envelope);
  if (outcome.kind === "applied") {
    store.write(outcome.entries, outcome.writes, outcome.entryTexts);
  }
  return { index, envelope, outcome };
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function decodeEnvelope(index: bigint, payload: Uint8Array): Envelope {
  try {
    return readEnvelope(JSON.parse(decoder.decode(payload)));
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
