/** Subscriptions to applied entries, and which nodes hold one. */
export { type Delivery, follow, type FollowContext, IDLE_MS } from "./follow.ts";
export { createHub, type Hub, type Subscription, type Update } from "./hub.ts";
export { type IdentityChange, IdentityFeed } from "./identity_feed.ts";
export { Inbox, MAX_QUEUED } from "./inbox.ts";
export { type Interest, type UpdateKind, updateKind } from "./interest.ts";
export {
  type HeartbeatOptions,
  type Scan,
  scanForSilence,
  type Watch,
  watchHeartbeats,
} from "./heartbeats.ts";
export {
  createLiveness,
  type Liveness,
  type LivenessBatch,
  type LivenessOptions,
} from "./liveness.ts";
export { type SiteTrust, TrustFeed } from "./trust_feed.ts";
