import type { EntryId, Index, Term } from "./entry.ts";
import type { NodeId } from "./ids.ts";
import type { Configuration } from "./membership/mod.ts";
import type { MessageType } from "./messages.ts";
import type { Role } from "./raft_state.ts";

/** What happened inside the core and is worth a log line. Nothing depends on it. */
export type RaftEvent =
  | { readonly kind: "role-changed"; readonly role: Role; readonly term: Term }
  | { readonly kind: "campaign-refused"; readonly reason: "not-promotable" | "unapplied-change" }
  | {
    readonly kind: "vote-answered";
    readonly type: MessageType;
    readonly candidate: NodeId;
    readonly isGranted: boolean;
  }
  | { readonly kind: "vote-ignored"; readonly candidate: NodeId }
  | { readonly kind: "message-outdated"; readonly type: MessageType; readonly term: Term }
  | { readonly kind: "append-refused"; readonly at: EntryId; readonly leader: NodeId }
  | { readonly kind: "peer-retreated"; readonly peer: NodeId; readonly next: Index }
  | { readonly kind: "snapshot-sent"; readonly peer: NodeId; readonly index: Index }
  | { readonly kind: "snapshot-restored"; readonly index: Index }
  | { readonly kind: "snapshot-ignored"; readonly index: Index }
  | { readonly kind: "storage-outdated"; readonly at: EntryId }
  | { readonly kind: "configuration-changed"; readonly configuration: Configuration }
  | { readonly kind: "change-refused"; readonly reason: ChangeRefusedReason }
  | { readonly kind: "leaving-joint" }
  | { readonly kind: "quorum-lost" }
  | { readonly kind: "leader-forgotten"; readonly leader: NodeId }
  | { readonly kind: "forget-leader-refused" }
  | { readonly kind: "transfer-started"; readonly target: NodeId }
  | { readonly kind: "transfer-ended"; readonly target: NodeId };

/** Why a proposed membership change was replaced by an empty entry. */
export type ChangeRefusedReason = "change-pending" | "joint" | "not-joint" | "not-applicable";
