import { createHash } from "node:crypto";
import { canonicalJson } from "../../common/json/mod.ts";
import { DOMAIN_VCLUSTER, OverlayDocumentSchema, scopeText } from "../../common/model/mod.ts";
import { countersOf, type DocumentsView, type Overlay } from "../state/mod.ts";
import { overlayContent } from "./content.ts";

/** An overlay as a build makes it; when it was stored is for apply to say. */
export type OverlayBuild = Omit<Overlay, "built_at">;

/** Whether the stored overlay is missing or older than what it is made from (OVL-7). */
export function isStale(view: DocumentsView, vclusterId: string): boolean {
  const overlay = view.get("overlays", vclusterId);
  return overlay === undefined || !isCurrent(view, overlay);
}

/** Whether an overlay, stored or not, holds the newest change of its vCluster (OVL-7). */
export function isCurrent(view: DocumentsView, overlay: OverlayBuild): boolean {
  return overlay.built_from_sequence >= newestChange(view, overlay.vcluster_id);
}

function newestChange(view: DocumentsView, vclusterId: string): number {
  const heads = view.get("scope_heads", scopeText({ VCluster: vclusterId }));
  return heads?.overlay_affecting ?? 0;
}

/**
 * Whether anything ever mentioned the vCluster: an entry, a policy, an assigned node (VCP-6). The
 * pseudo vCluster of unassigned nodes always exists (OVL-10).
 */
export function vclusterExists(view: DocumentsView, vclusterId: string): boolean {
  if (vclusterId === DOMAIN_VCLUSTER || view.get("policies", vclusterId) !== undefined) return true;
  if (view.get("scope_heads", scopeText({ VCluster: vclusterId })) !== undefined) return true;
  for (const [, { vcluster_id }] of view.list("node_assignments")) {
    if (vcluster_id === vclusterId) return true;
  }
  return false;
}

/**
 * Builds the overlay of a vCluster from the state at hand. The same history of the vCluster gives the
 * same bytes on every member (OVL-3): the document names the newest change in it, the record how far
 * the whole log was when it was built. The version goes up when the content differs from the stored overlay's;
 * with equal content its bytes stay too, and only the record's `built_from_sequence` rises (OVL-5).
 */
export function buildOverlay(view: DocumentsView, vclusterId: string): OverlayBuild {
  const content = overlayContent(view, vclusterId);
  const builtFrom = Math.max(0, countersOf(view).next_sequence - 1);
  const former = view.get("overlays", vclusterId);
  if (former !== undefined && canonicalJson(content) === contentOf(former)) {
    const { built_at: _at, ...same } = former;
    return { ...same, built_from_sequence: builtFrom };
  }
  const version = (former?.version ?? 0) + 1;
  const origin = newestChange(view, vclusterId);
  const data = canonicalJson({ ...content, version, built_from_sequence: origin });
  return {
    vcluster_id: vclusterId,
    version,
    data,
    checksum: createHash("sha256").update(data, "utf8").digest("hex"),
    built_from_sequence: builtFrom,
  };
}

function contentOf({ data }: Overlay): string {
  const { version: _version, built_from_sequence: _origin, ...content } = OverlayDocumentSchema
    .parse(JSON.parse(data));
  return canonicalJson(content);
}
