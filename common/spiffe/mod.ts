/**
 * Identities from SPIFFE: a process's X.509-SVID from the Workload API of its node, streamed and
 * rotated, and servers that are recognised by their SPIFFE ID.
 *
 * @module
 */

export type { SvidChoice } from "./choose_svid.ts";
export { SpiffeError, type SpiffeErrorCode } from "./error.ts";
export { type SpiffeServers, spiffeServers } from "./server_identity.ts";
export { type SvidIdentity, type SvidSet, trustedDomains, type X509Svid } from "./svid.ts";
export { openSvidSource, type SvidSource, type SvidSourceOptions } from "./svid_source.ts";
export { type HeldSvid } from "./svid_state.ts";
export { DEFAULT_SPIRE_SOCKET, x509Answers } from "./workload_api.ts";
