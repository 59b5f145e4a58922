import type { HandlerContext } from "@connectrpc/connect";
import type { journal } from "../../api/mod.ts";
import { checkpointToWire, counterFromWire } from "../../common/wire/mod.ts";
import { callerOf, type ServiceContext } from "./context.ts";

/**
 * The signatures over the log, oldest first. They tell nothing of what entries say, so whoever may
 * read the log at all may have them.
 */
export async function* listCheckpoints(
  { replica, gatekeeper }: ServiceContext,
  request: journal.ListCheckpointsRequest,
  call: HandlerContext,
): AsyncGenerator<journal.Checkpoint> {
  await gatekeeper.require({ caller: callerOf(call), action: "log", scope: "Global" });
  const from = counterFromWire(request.fromSequence);
  const known = new Set<string>();
  // A copy: checkpoints come and go while the client reads.
  for (const [, checkpoint] of [...replica.state.list("checkpoints")]) {
    if (call.signal.aborted) return;
    const { sequence, signer } = checkpoint;
    if (sequence < from) continue;
    const certificate = known.has(signer)
      ? undefined
      : replica.state.get("checkpoint_signers", signer)?.certificate_pem;
    known.add(signer);
    yield checkpointToWire(checkpoint, certificate);
  }
}
