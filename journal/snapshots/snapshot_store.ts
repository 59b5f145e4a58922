/**
 * Owns the snapshot directory: complete snapshots, each a SQLite file and a note beside it, the
 * newest three of them (JRN-51, JRN-63). A note is written last and durably, so that a file without
 * one is an attempt that a crash cut short.
 *
 * @module
 */
import { join } from "node:path";
import type { EntryId, Membership } from "../raft/mod.ts";
import { StorageError } from "../storage/mod.ts";
import { fileHash } from "./file_hash.ts";
import {
  type KeptSnapshot,
  snapshotName,
  type SnapshotNote,
  SnapshotNoteSchema,
} from "./kept_snapshot.ts";

/** Snapshots that are kept; older ones go (JRN-51). */
const KEPT = 3;

/** How long a part of a snapshot is kept for its sender to go on. */
const PART_KEEP_MS = 86_400_000;

/** The snapshots of one member. */
export class SnapshotStore {
  readonly #directory: string;
  #kept: readonly KeptSnapshot[];

  /** @throws {StorageError} when the directory cannot be read. */
  constructor(directory: string) {
    this.#directory = directory;
    this.#kept = ioErrors(directory, () => {
      Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
      return readNotes(directory);
    });
  }

  get directory(): string {
    return this.#directory;
  }

  /** Newest first; their content has not been looked at. */
  get kept(): readonly KeptSnapshot[] {
    return this.#kept;
  }

  /** Where a snapshot that comes in is collected. */
  incomingPath(sha256: string): string {
    return join(this.#directory, `incoming-${sha256}.part`);
  }

  /**
   * The newest snapshot from `minIndex` to `maxIndex` whose bytes are what its note says
   * (section 17).
   */
  newestIntact(minIndex: number, maxIndex: number): KeptSnapshot | undefined {
    return this.#kept.find(({ index, file }) =>
      index >= minIndex && index <= maxIndex && fileHash(file.path) === file.sha256
    );
  }

  /** Takes the complete, synced file at `path` among the kept ones; the oldest make room. */
  adopt(path: string, id: EntryId, membership: Membership, sha256: string): KeptSnapshot {
    return ioErrors(path, () => {
      const target = join(this.#directory, `${snapshotName(id)}.db`);
      const bytes = Deno.statSync(path).size;
      Deno.renameSync(path, target);
      const { index, term } = id;
      writeNote(this.#directory, { index, term, bytes, sha256, membership: plain(membership) });
      const snapshot = { index, term, membership, file: { path: target, bytes, sha256 } };
      const others = this.#kept.filter((kept) => kept.index !== index || kept.term !== term);
      const all = [snapshot, ...others].sort((a, b) => b.index - a.index);
      this.#kept = all.slice(0, KEPT);
      for (const { file } of all.slice(KEPT)) removeSnapshot(file.path);
      return snapshot;
    });
  }

  /** Removes what is left of attempts that a crash cut short, or that nobody goes on with. */
  sweep(nowMs: number): void {
    ioErrors(this.#directory, () => {
      const known = new Set(this.#kept.map(({ file }) => file.path));
      for (const { name } of Deno.readDirSync(this.#directory)) {
        const path = join(this.#directory, name);
        const isOrphan = name.endsWith(".db") && !known.has(path);
        const isStale = name.startsWith("incoming-") && ageMs(path, nowMs) > PART_KEEP_MS;
        if (isOrphan || isStale || name.endsWith(".tmp")) Deno.removeSync(path);
      }
    });
  }
}

function ageMs(path: string, nowMs: number): number {
  return nowMs - (Deno.statSync(path).mtime?.getTime() ?? nowMs);
}

function readNotes(directory: string): KeptSnapshot[] {
  const kept: KeptSnapshot[] = [];
  for (const { name } of Deno.readDirSync(directory)) {
    if (!name.startsWith("snap-") || !name.endsWith(".json")) continue;
    const note = parseNote(Deno.readTextFileSync(join(directory, name)));
    const path = join(directory, name.replace(/json$/, "db"));
    if (note === undefined || sizeOf(path) !== note.bytes) continue;
    const { index, term, membership, bytes, sha256 } = note;
    kept.push({ index, term, membership, file: { path, bytes, sha256 } });
  }
  return kept.sort((a, b) => b.index - a.index);
}

/** Undefined for a note that is damaged: its snapshot counts for nothing then. */
function parseNote(text: string): SnapshotNote | undefined {
  try {
    return SnapshotNoteSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function sizeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Durable before its name is: file, rename, directory (JRN-64). */
function writeNote(directory: string, note: SnapshotNote): void {
  const path = join(directory, `${snapshotName(note)}.json`);
  {
    using file = Deno.openSync(`${path}.tmp`, {
      write: true,
      create: true,
      truncate: true,
      mode: 0o600,
    });
    file.writeSync(new TextEncoder().encode(JSON.stringify(note)));
    file.syncSync();
  }
  Deno.renameSync(`${path}.tmp`, path);
  using folder = Deno.openSync(directory, { read: true });
  folder.syncSync();
}

function removeSnapshot(path: string): void {
  for (const each of [path.replace(/db$/, "json"), path]) {
    try {
      Deno.removeSync(each);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

function plain(membership: Membership): SnapshotNote["membership"] {
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = membership;
  return {
    voters: [...voters],
    votersOutgoing: [...votersOutgoing],
    learners: [...learners],
    learnersNext: [...learnersNext],
    autoLeave,
  };
}

function ioErrors<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof StorageError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StorageError("io", path, reason, { cause: error });
  }
}
