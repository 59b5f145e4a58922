/**
 * What waits for a second person, in full: either a command of the journal's, or an action that the
 * agent of a node carries out. It is stored as canonical JSON, so that two requests are the same
 * exactly when their texts are.
 *
 * @module
 */
import { z } from "zod";
import { canonicalJson } from "../../common/json/mod.ts";
import { ScopeSchema } from "../../common/model/mod.ts";
import { AuditNoteSchema, type Command, CommandSchema } from "./commands.ts";
import { NodeActionSchema } from "./node_action.ts";

/** Commands that may wait for a second person: changes that people ask for. */
const HELD_COMMANDS: ReadonlySet<Command["type"]> = new Set<Command["type"]>([
  "AppendEntry",
  "Promote",
  "SetPolicy",
  "SetBlacklist",
  "RegisterNode",
  "RevokeNode",
  "AssignNodeToVCluster",
  "UnassignNode",
  "MoveNodeVCluster",
  "ResolveConflict",
]);

const HeldCommandSchema = z.object({
  kind: z.literal("command"),
  command: CommandSchema.refine(({ type }) => HELD_COMMANDS.has(type), "cannot wait"),
  /** What the requester must be allowed to do when it is carried out (APR-11). */
  access: z.array(
    z.object({ action: z.string().max(64), scope: ScopeSchema, role: z.string().max(256) }),
  ).min(1).max(8),
  audit: AuditNoteSchema,
  /** By scope text the newest change of its configuration, where it must still be that. */
  heads: z.record(z.string().max(512), z.number().int()).optional(),
});

const HeldRequestSchema = z.discriminatedUnion("kind", [HeldCommandSchema, NodeActionSchema]);

/** A command that waits. */
export type HeldCommand = z.infer<typeof HeldCommandSchema>;
/** What waits for a second person. */
export type HeldRequest = z.infer<typeof HeldRequestSchema>;

/** The text under which a request is stored and compared. */
export function heldText(request: HeldRequest): string {
  return canonicalJson(JSON.parse(JSON.stringify(request)));
}

/** The request of a stored text; undefined for what is none, which nobody can have stored. */
export function readHeld(text: string): HeldRequest | undefined {
  try {
    const parsed = HeldRequestSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
