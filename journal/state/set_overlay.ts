import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { MAX_OVERLAY_BYTES, SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import type { CommandOf } from "./commands.ts";
import type { CommandResult } from "./documents.ts";
import { reject, type Transaction } from "./transaction.ts";

/** Replaces a vCluster's overlay by a newer build (J5, OVL-4, OVL-5). */
export function setOverlay(tx: Transaction, { overlay }: CommandOf<"SetOverlay">): CommandResult {
  const { vcluster_id, version, data, checksum } = overlay;
  const bytes = Buffer.byteLength(data, "utf8");
  if (bytes > MAX_OVERLAY_BYTES) {
    reject(
      "PRECONDITION",
      `overlay data too large: ${bytes} bytes (max ${MAX_OVERLAY_BYTES})`,
    );
  }
  const actual = createHash("sha256").update(data, "utf8").digest("hex");
  if (actual !== checksum) {
    reject("PRECONDITION", `overlay checksum mismatch: expected ${checksum}, got ${actual}`);
  }
  const former = tx.get("overlays", vcluster_id);
  if (former !== undefined && isOlder(overlay, former)) {
    reject("PRECONDITION", `overlay version ${version} is older than ${former.version}`);
  }
  tx.put("overlays", vcluster_id, { ...overlay, built_at: tx.timestamp });
  const entry = tx.record({
    entry_type: "BootConfig",
    scope: { VCluster: vcluster_id },
    author: SYSTEM_IDENTITY,
    message: `overlay version ${version}`,
  });
  return { kind: "Ok", sequence: entry.sequence, version };
}

/** Of two builds that raced, the one from the older state must not win. */
function isOlder(
  build: CommandOf<"SetOverlay">["overlay"],
  former: { readonly version: number; readonly built_from_sequence: number },
): boolean {
  return build.version < former.version ||
    build.built_from_sequence < former.built_from_sequence;
}
