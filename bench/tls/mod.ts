/**
 * Servers that make the same handshake, and the program that asks for it.
 *
 * @module
 */
export {
  enrollNode,
  type Identities,
  type Journal,
  makeIdentities,
  startJournal,
} from "./journals.ts";
export { buildTlsLoad, type Load, type Outcome, runTlsLoad } from "./load.ts";
export { type Proxy, startNginx } from "./nginx.ts";
