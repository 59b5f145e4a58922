import { create } from "@bufbuild/protobuf";
import { config, type journal } from "../../api/mod.ts";
import type { StateDelta } from "../../common/model/mod.ts";
import { deltaFromWire } from "../../common/wire/mod.ts";

/** A node's drift items in document form: actual as `value`, declared as `previous` (API-22). */
export function driftOf({ driftItems }: journal.NodeStateDetail): StateDelta {
  if (driftItems === undefined) return {};
  const { $typeName: _, $unknown: __, ...items } = driftItems;
  return deltaFromWire(create(config.StateDeltaSchema, items));
}
