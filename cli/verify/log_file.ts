import {
  BackupError,
  type BackupMetadata,
  LineSplitter,
  verifyBackup,
} from "../../common/backup/mod.ts";
import type { JsonValue } from "../../common/json/mod.ts";
import { type LogReport, LogVerifier, type VerifierOptions } from "../../common/verify/mod.ts";
import { asJson } from "../json/mod.ts";

/** Largest export in one document, as `pact log --output json` prints it, that is read. */
const MAX_DOCUMENT_CHARS = 256 * 1024 * 1024;

/** How a file is verified. */
export interface LogFileOptions extends Pick<VerifierOptions, "trustedPem" | "noted"> {
  readonly onProgress: (entries: number) => void;
}

/** What verifying a file found out. */
export interface LogFileReport {
  readonly log: LogReport;
  /** What it says of itself, when it is a backup. */
  readonly backup?: BackupMetadata;
}

/**
 * Verifies a file that holds a log: a backup, entries with one JSON document on a line, or the one
 * document of `pact log --output json`. Backups and lines are read as they are verified.
 *
 * @throws {BackupError} for a file that is none of these or is damaged.
 */
export async function verifyLogFile(
  file: ReadableStream<Uint8Array<ArrayBuffer>>,
  options: LogFileOptions,
): Promise<LogFileReport> {
  const chunks = file.values();
  const first = await chunks.next();
  if (first.done === true) throw new BackupError("it is empty");
  const whole = ReadableStream.from(resumed(first.value, chunks));
  if (first.value[0] === GZIP_MAGIC[0] && first.value[1] === GZIP_MAGIC[1]) {
    const { log, metadata } = await verifyBackup(whole, options);
    return { log, backup: metadata };
  }
  return { log: await verifyJson(whole, options) };
}

/** The first two bytes of gzip (RFC 1952). */
const GZIP_MAGIC = [0x1f, 0x8b];

async function* resumed(
  first: Uint8Array<ArrayBuffer>,
  rest: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield first;
  yield* rest;
}

async function verifyJson(
  file: AsyncIterable<Uint8Array>,
  { noted, onProgress }: LogFileOptions,
): Promise<LogReport> {
  const verifier = new LogVerifier({ noted });
  const take = (entry: JsonValue) => {
    if (verifier.head.nextSequence === 0) startWith(verifier, entry);
    verifier.entry(entry);
    if (verifier.head.nextSequence % 1000 === 0) onProgress(verifier.head.nextSequence);
  };
  const splitter = new LineSplitter();
  const document = new PrettyDocument();
  for await (const chunk of file) {
    for (const line of splitter.push(chunk)) if (!document.takes(line)) take(parse(line));
  }
  for (const line of splitter.end()) if (!document.takes(line)) take(parse(line));
  document.entries().forEach(take);
  return verifier.end();
}

/** An export may begin in the midst of a log; what it says of the entry before is believed. */
function startWith(verifier: LogVerifier, entry: JsonValue): void {
  if (typeof entry !== "object" || entry === null || !("sequence" in entry)) return;
  const { sequence, previous_hash } = entry;
  if (typeof sequence !== "number" || typeof previous_hash !== "string") return;
  if (sequence > 0) verifier.startAt({ nextSequence: sequence, hash: previous_hash });
}

function parse(line: string): JsonValue {
  try {
    return asJson(JSON.parse(line));
  } catch (cause) {
    throw new BackupError("it holds neither a backup nor entries in JSON", { cause });
  }
}

/** Gathers the one document of `pact log --output json`, which begins with a brace on a line. */
class PrettyDocument {
  #lines: string[] | undefined;
  #chars = 0;
  #sawLine = false;

  /** Whether the line belongs to such a document. */
  takes(line: string): boolean {
    if (!this.#sawLine && line === "{") this.#lines = [];
    this.#sawLine = true;
    if (line.trim() === "") return true;
    if (this.#lines === undefined) return false;
    this.#lines.push(line);
    this.#chars += line.length;
    if (this.#chars <= MAX_DOCUMENT_CHARS) return true;
    throw new BackupError(`its one document has more than ${MAX_DOCUMENT_CHARS} characters`);
  }

  /** Its entries, oldest first; none where there was no such document. */
  entries(): readonly JsonValue[] {
    if (this.#lines === undefined) return [];
    const document = parse(this.#lines.join("\n"));
    const entries = typeof document === "object" && document !== null && "entries" in document
      ? document.entries
      : undefined;
    if (!Array.isArray(entries)) throw new BackupError("it is JSON, but no export of a log");
    const list: readonly JsonValue[] = entries;
    return isNewestFirst(list) ? list.toReversed() : list;
  }
}

function isNewestFirst([first, second]: readonly JsonValue[]): boolean {
  const [one, other] = [first, second].map((entry) =>
    typeof entry === "object" && entry !== null && "sequence" in entry ? entry.sequence : undefined
  );
  return typeof one === "number" && typeof other === "number" && one > other;
}
