import { createHash } from "node:crypto";
import * as z from "zod";
import { CheckpointSchema } from "../chain/mod.ts";
import { canonicalJson } from "../json/mod.ts";
import { type LogReport, LogVerifier, type VerifierOptions } from "../verify/mod.ts";
import { BackupError } from "./backup_error.ts";
import { type ExportItem, ExportReader } from "./export_reader.ts";
import { LineSplitter } from "./lines.ts";
import {
  type BackupMetadata,
  BackupMetadataSchema,
  METADATA_FILE,
  SNAPSHOT_FILE,
} from "./metadata.ts";
import { readTar, type TarFile } from "./tar.ts";

/** Largest metadata file that is read. */
const METADATA_MAX_BYTES = 64 * 1024;

/** How a backup is verified. */
export interface VerifyBackupOptions extends Pick<VerifierOptions, "trustedPem" | "noted"> {
  /** The newest schema version the caller can use; a newer backup is refused. */
  readonly schemaVersion?: number;
  /** Gets the snapshot's bytes as they are read. */
  readonly onSnapshot?: (chunk: Uint8Array) => void;
  /** Told how many entries are verified, now and then. */
  readonly onProgress?: (entries: number) => void;
}

/** What a backup says of itself, and what verifying it found out. */
export interface BackupReport {
  readonly metadata: BackupMetadata;
  readonly log: LogReport;
}

/**
 * Reads a backup to its end and verifies it: the archive, the snapshot's SHA-256, every entry's
 * place in the chain, the signatures. An entry that is not what it was comes as the report's finding;
 * everything else that is wrong is thrown.
 *
 * @throws {BackupError} saying what is wrong with the file.
 */
export async function verifyBackup(
  gzip: ReadableStream<Uint8Array<ArrayBuffer>>,
  options: VerifyBackupOptions = {},
): Promise<BackupReport> {
  const chunks = gzip.pipeThrough(new DecompressionStream("gzip")).values();
  try {
    const files = readTar(chunks);
    const metadata = await readMetadata(await nextFile(files, METADATA_FILE));
    refuseNewer(metadata, options.schemaVersion);
    const snapshot = await nextFile(files, SNAPSHOT_FILE);
    const { log, sha256 } = await verifySnapshot(snapshot, metadata, options);
    if (log.finding === undefined) {
      if (sha256 !== metadata.sha256) {
        throw new BackupError("the snapshot does not have its SHA-256");
      }
      if (!(await files.next()).done) throw new BackupError("it holds more than a backup does");
    }
    return { metadata, log };
  } catch (error) {
    if (error instanceof BackupError) throw error;
    // The decompressor's errors are of the runtime's kind and say little.
    throw new BackupError(`it cannot be read as a backup: ${reasonOf(error)}`, { cause: error });
  } finally {
    await chunks.return?.().catch(() => {});
  }
}

async function nextFile(files: AsyncGenerator<TarFile>, name: string): Promise<TarFile> {
  const { value, done } = await files.next();
  if (done !== true && value.name === name) return value;
  throw new BackupError(`it is no backup: ${name} is not where it belongs`);
}

async function readMetadata({ content, sizeBytes }: TarFile): Promise<BackupMetadata> {
  if (sizeBytes > METADATA_MAX_BYTES) throw new BackupError(`${METADATA_FILE} is too large`);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  for await (const chunk of content) chunks.push(new Uint8Array(chunk));
  return BackupMetadataSchema.parse(JSON.parse(await new Blob(chunks).text()));
}

function refuseNewer({ schema_version }: BackupMetadata, known = schema_version): void {
  if (schema_version <= known) return;
  throw new BackupError(
    `schema version ${schema_version} is newer than ${known}: use the newer program`,
  );
}

/** How many entries lie between two reports of progress. */
const PROGRESS_ENTRIES = 1000;

async function verifySnapshot(
  { content }: TarFile,
  metadata: BackupMetadata,
  { trustedPem, noted, onSnapshot, onProgress }: VerifyBackupOptions,
): Promise<{ log: LogReport; sha256: string }> {
  const hash = createHash("sha256");
  const splitter = new LineSplitter();
  const reader = new ExportReader();
  const verifier = new LogVerifier({ trustedPem, noted });
  const take = (line: string) => {
    const item = reader.read(line);
    if (item !== undefined) reader.during(() => takeItem(item, verifier, metadata));
    const { nextSequence } = verifier.head;
    if (item?.kind === "entry" && nextSequence % PROGRESS_ENTRIES === 0) onProgress?.(nextSequence);
  };
  for await (const chunk of content) {
    hash.update(chunk);
    onSnapshot?.(chunk);
    splitter.push(chunk).forEach(take);
    if (verifier.finding !== undefined) return { log: verifier.end(), sha256: "" };
  }
  splitter.end().forEach(take);
  reader.end();
  return { log: verifier.end(metadata.entries), sha256: hash.digest("hex") };
}

const SignerSchema = z.object({ certificate_pem: z.string() });

function takeItem(item: ExportItem, verifier: LogVerifier, metadata: BackupMetadata): void {
  switch (item.kind) {
    case "applied":
      if (item.index === metadata.last_index && item.term === metadata.last_term) return;
      throw new BackupError("the snapshot is of another moment than the metadata says");
    case "document":
      if (item.collection === "checkpoints") {
        verifier.addCheckpoint(CheckpointSchema.parse(item.document));
      } else if (item.collection === "checkpoint_signers") {
        verifier.addSigner(SignerSchema.parse(item.document).certificate_pem);
      }
      return;
    case "entry":
      verifier.entry(item.document, canonicalJson(item.document));
      return;
    case "schema":
      if (item.version === metadata.schema_version) return;
      throw new BackupError("the snapshot is of another schema version than the metadata says");
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
