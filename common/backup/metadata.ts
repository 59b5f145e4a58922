import * as z from "zod";
import { CounterSchema, InstantSchema, Sha256Schema } from "../model/mod.ts";

/** The two files of a backup, in their order (JRN-68). */
export const METADATA_FILE = "metadata.json";
export const SNAPSHOT_FILE = "snapshot.json";

/** What a backup says of itself (JRN-68). */
export const BackupMetadataSchema = z.object({
  created_at: InstantSchema,
  /** Null for a journal that never was part of a cluster. */
  cluster_id: z.string().max(64).nullable(),
  /** Position in the Raft log up to which everything is in it. */
  last_index: CounterSchema,
  last_term: CounterSchema,
  schema_version: z.int().positive(),
  /** Number of configuration entries, and the hash of the newest. */
  entries: CounterSchema,
  head_hash: Sha256Schema,
  /** Of the snapshot's bytes. */
  sha256: Sha256Schema,
});

/** What a backup says of itself. */
export type BackupMetadata = z.infer<typeof BackupMetadataSchema>;
