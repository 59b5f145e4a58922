import { z } from "zod";
import { PactError } from "../../common/errors/mod.ts";
import { isDirectoryId } from "../storage/mod.ts";

const MemberKeySchema = z.string().regex(/^[1-9][0-9]{0,9}$/);

/** What a membership entry says besides who votes (the context of a Raft change). */
const MembershipContextSchema = z.strictObject({
  /** In the first entry of a cluster: which one it is. */
  cluster: z.strictObject({ cluster_id: z.string().min(1).max(64), created_at: z.iso.datetime() })
    .optional(),
  /** Where members are found, by decimal id. */
  members: z.record(
    MemberKeySchema,
    z.strictObject({
      raft_address: z.string().min(1).max(300),
      api_address: z.string().min(1).max(300),
    }),
  ).default({}),
  /** The data directories that members take part with from here on, by decimal id. */
  directories: z.record(MemberKeySchema, z.string().refine(isDirectoryId)).default({}),
});

/** What a membership entry says besides who votes. */
export type MembershipContext = z.infer<typeof MembershipContextSchema>;

/** The bytes of a context. */
export function encodeMembershipContext(context: Partial<MembershipContext>): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(context));
}

/**
 * Reads a context; an empty one, as of entries that only leave a joint configuration, says nothing.
 *
 * @throws {PactError} DATA_CORRUPT for anything else that this program did not write.
 */
export function decodeMembershipContext(bytes: Uint8Array): MembershipContext {
  if (bytes.byteLength === 0) return { members: {}, directories: {} };
  try {
    return MembershipContextSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw new PactError(
      "DATA_CORRUPT",
      "a membership entry of the log says something this program does not know; use the program that wrote it",
      { cause },
    );
  }
}
