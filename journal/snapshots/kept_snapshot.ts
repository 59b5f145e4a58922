import { z } from "zod";
import type { SnapshotFile } from "../peers/mod.ts";
import type { EntryId, Membership } from "../raft/mod.ts";

/** A complete snapshot in the snapshot directory: the state after one log entry. */
export interface KeptSnapshot extends EntryId {
  readonly membership: Membership;
  readonly file: SnapshotFile;
}

const CounterSchema = z.int().nonnegative();
const MembersSchema = z.array(z.int().positive());

/** The file beside a snapshot that says what it is. */
export const SnapshotNoteSchema = z.object({
  index: CounterSchema,
  term: CounterSchema,
  bytes: CounterSchema,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  membership: z.object({
    voters: MembersSchema,
    votersOutgoing: MembersSchema,
    learners: MembersSchema,
    learnersNext: MembersSchema,
    autoLeave: z.boolean(),
  }),
});

/** What a snapshot's note says. */
export type SnapshotNote = z.infer<typeof SnapshotNoteSchema>;

/** Name of the snapshot of the state after `id`, without its suffix. */
export function snapshotName({ term, index }: EntryId): string {
  return `snap-${term}-${index}`;
}
