import { PactError } from "../../common/errors/mod.ts";
import { NodeIdSchema, VClusterIdSchema } from "../../common/model/mod.ts";

/** @throws {PactError} INVALID_ARGUMENT unless the text is a node id. */
export function nodeIdFromWire(text: string): string {
  const parsed = NodeIdSchema.safeParse(text);
  if (!parsed.success) throw invalid("node", text);
  return parsed.data;
}

/** @throws {PactError} INVALID_ARGUMENT unless the text is a vCluster id. */
export function vclusterIdFromWire(text: string): string {
  const parsed = VClusterIdSchema.safeParse(text);
  if (!parsed.success) throw invalid("vCluster", text);
  return parsed.data;
}

function invalid(kind: string, text: string): PactError {
  const shown = text.length > 64 ? `${text.slice(0, 64)}...` : text;
  return new PactError("INVALID_ARGUMENT", `invalid ${kind} id ${JSON.stringify(shown)}`);
}
