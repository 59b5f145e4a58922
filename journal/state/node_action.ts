import { z } from "zod";
import { type EntryDraft, NodeIdSchema, StateDeltaSchema } from "../../common/model/mod.ts";

/** What somebody wants the agent of a node to do (APR-12). */
export const NodeActionSchema = z.object({
  kind: z.literal("node"),
  action: z.string().min(1).max(64),
  node_id: NodeIdSchema,
  /** The program, or the service; empty for what concerns the node as a whole. */
  command: z.string().max(4096),
  args: z.array(z.string().max(131_072)).max(1024),
  /** For a commit: exactly these changes. */
  change: StateDeltaSchema.optional(),
});

/** An action on a node that waits for a second person. */
export type NodeAction = z.infer<typeof NodeActionSchema>;

/** What a node's entry of a person is an action of: its delta and what else makes it that one. */
export function entryAction(
  action: string,
  nodeId: string,
  entry: Pick<EntryDraft, "state_delta" | "ttl_seconds" | "parent" | "emergency_reason">,
): NodeAction {
  const { state_delta, ttl_seconds = 0, parent, emergency_reason } = entry;
  return {
    kind: "node",
    action,
    node_id: nodeId,
    command: "",
    args: [
      ...(ttl_seconds === 0 ? [] : [`ttl:${ttl_seconds}`]),
      ...(parent === undefined ? [] : [`target:${parent}`]),
      ...(emergency_reason === undefined ? [] : [`reason:${emergency_reason}`]),
    ],
    ...(state_delta === undefined ? {} : { change: state_delta }),
  };
}
