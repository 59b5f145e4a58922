/** What the agent keeps on the node: declared configuration, identity, operations to replay. */
export { keepAnchor, loadAnchor } from "./anchor.ts";
export { type AgentCache, type CacheDirectories, loadIdentity, openCache } from "./cache.ts";
export { openOperationLog, type OperationLog } from "./operation_log.ts";
