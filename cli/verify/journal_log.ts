import { create } from "@bufbuild/protobuf";
import { type config, journal } from "../../api/mod.ts";
import { checkpointFromWire } from "../../common/wire/mod.ts";
import { type LogReport, LogVerifier, type VerifierOptions } from "../../common/verify/mod.ts";
import type { Journal } from "../session/mod.ts";

/** Entries asked for at once; each page has the whole of --timeout. */
const PAGE_ENTRIES = 10_000n;

/** How the log of a journal is verified. */
export interface JournalLogOptions extends Pick<VerifierOptions, "trustedPem" | "noted"> {
  readonly timeoutMs: number;
  readonly onProgress: (entries: number) => void;
}

/**
 * Verifies the log that a journal answers with, up to the entry that is its newest when this begins.
 * Entries outside of the caller's role are followed by their hashes alone.
 */
export async function verifyJournalLog(
  from: Journal,
  { timeoutMs, trustedPem, noted, onProgress }: JournalLogOptions,
): Promise<LogReport> {
  const verifier = new LogVerifier({ trustedPem, noted });
  const newest = await newestSequence(from, timeoutMs);
  for await (
    const message of from.peer.stream((options) => from.config.listCheckpoints({}, options), {
      timeoutMs,
    })
  ) {
    verifier.addSigner(message.signerCertificate);
    // Those made meanwhile are over entries that this run does not come to.
    if (message.sequence <= newest) verifier.addCheckpoint(checkpointFromWire(message));
  }
  for (let first = 0n; first <= newest; first += PAGE_ENTRIES) {
    const last = first + PAGE_ENTRIES - 1n < newest ? first + PAGE_ENTRIES - 1n : newest;
    for await (
      const message of entries(from, timeoutMs, { fromSequence: first, toSequence: last })
    ) {
      if (take(verifier, message) !== undefined) return verifier.end();
    }
    onProgress(verifier.head.nextSequence);
  }
  return verifier.end(Number(newest) + 1);
}

function take(
  verifier: LogVerifier,
  { sequence, previousHash, hash, document }: config.ConfigEntry,
) {
  return document === ""
    ? verifier.hiddenEntry(Number(sequence), previousHash, hash)
    : verifier.entry(JSON.parse(document));
}

/** -1 for an empty log. */
async function newestSequence(from: Journal, timeoutMs: number): Promise<bigint> {
  for await (const { sequence } of entries(from, timeoutMs, { descending: true, limit: 1 })) {
    return sequence;
  }
  return -1n;
}

function entries(
  { peer, config }: Journal,
  timeoutMs: number,
  range: {
    readonly fromSequence?: bigint;
    readonly toSequence?: bigint;
    readonly descending?: boolean;
    readonly limit?: number;
  },
): AsyncGenerator<config.ConfigEntry, void, undefined> {
  const request = create(journal.ListEntriesRequestSchema, {
    ...range,
    includeDocuments: true,
    includeHidden: true,
  });
  return peer.stream((options) => config.listEntries(request, options), { timeoutMs });
}
