import { createHash } from "node:crypto";
import { join } from "node:path";
import {
  type BackupMetadata,
  METADATA_FILE,
  SNAPSHOT_FILE,
  TAR_END,
  tarHeader,
  tarPadding,
} from "../../common/backup/mod.ts";
import { canonicalJson } from "../../common/json/mod.ts";
import { countersOf, storedCluster } from "../state/mod.ts";
import { SCHEMA_VERSION, StateReader } from "../store/mod.ts";

/**
 * A running journal stores what it applied several times a second. After this long, what it had
 * acknowledged before the backup was asked for is in the file.
 */
const SETTLE_MS = 250;

/** Text gathered before it is handed to the compressor. */
const CHUNK_CHARS = 256 * 1024;

const encoder = new TextEncoder();

/**
 * Writes a backup of the journal in `dataDir`, running or not, as of one moment (JRN-68), and closes
 * `out`. The state is read twice, first for its length and SHA-256, which stand before it in the
 * archive; the read transaction makes both readings the same, and nothing is held in memory.
 *
 * No private key can be in it: the state holds certificates only (JRN-69).
 *
 * @throws {StorageError} when there is no state, or one of another schema version.
 */
export async function makeBackup(
  dataDir: string,
  out: WritableStream<Uint8Array<ArrayBuffer>>,
  now: Date,
): Promise<BackupMetadata> {
  try {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    using state = new StateReader(join(dataDir, "state.db"));
    const { metadata, sizeBytes } = measure(state, now);
    await ReadableStream.from(archive(state, metadata, sizeBytes, now))
      .pipeThrough(new CompressionStream("gzip"))
      .pipeTo(out);
    return metadata;
  } catch (error) {
    // Ended already where the pipe failed.
    await out.abort(error).catch(() => {});
    throw error;
  }
}

function measure(state: StateReader, now: Date): { metadata: BackupMetadata; sizeBytes: number } {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for (const chunk of chunks(state.export())) {
    const bytes = encoder.encode(chunk);
    hash.update(bytes);
    sizeBytes += bytes.byteLength;
  }
  const { next_sequence, head_hash } = countersOf(state);
  const { index, term } = state.applied;
  const metadata = {
    created_at: now.toISOString(),
    cluster_id: storedCluster(state)?.cluster_id ?? null,
    last_index: index,
    last_term: term,
    schema_version: SCHEMA_VERSION,
    entries: next_sequence,
    head_hash,
    sha256: hash.digest("hex"),
  };
  return { metadata, sizeBytes };
}

function* archive(
  state: StateReader,
  metadata: BackupMetadata,
  sizeBytes: number,
  now: Date,
): Generator<Uint8Array<ArrayBuffer>> {
  const about = encoder.encode(`${canonicalJson(metadata)}\n`);
  yield new Uint8Array(tarHeader(METADATA_FILE, about.byteLength, now.getTime()));
  yield about;
  yield new Uint8Array(tarPadding(about.byteLength));
  yield new Uint8Array(tarHeader(SNAPSHOT_FILE, sizeBytes, now.getTime()));
  for (const chunk of chunks(state.export())) yield encoder.encode(chunk);
  yield new Uint8Array(tarPadding(sizeBytes));
  yield new Uint8Array(TAR_END);
}

/** Lines joined to chunks that are worth handing on, each line with its newline. */
function* chunks(lines: Iterable<string>): Generator<string> {
  let gathered = "";
  for (const line of lines) {
    gathered += `${line}\n`;
    if (gathered.length < CHUNK_CHARS) continue;
    yield gathered;
    gathered = "";
  }
  if (gathered !== "") yield gathered;
}
