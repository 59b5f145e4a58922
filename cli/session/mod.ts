/**
 * Who calls, and the connections to the journal and to agents. Loading this loads the RPC stack, so
 * the command line imports types from here and the rest only once a command really runs.
 *
 * @module
 */
export type { TokenClaims } from "../tokens/mod.ts";
export type { Peer } from "./peer.ts";
export { type Agent, type Journal, Session } from "./session.ts";
export { clientSecretOf, openCache } from "./keeper.ts";
export type { SelectedToken } from "./token.ts";
