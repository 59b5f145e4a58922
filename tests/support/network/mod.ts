/**
 * Tests against a kernel's network that is theirs alone: a network namespace, with another one at the
 * far end of a virtual cable.
 *
 * @module
 */
export { inNetworkNamespace } from "./namespace.ts";
export { type Cable, layCable, type Peer } from "./cable.ts";
