/** Who calls the journal, and whether they may. */
export {
  authenticate,
  type AuthenticateOptions,
  type CertificateStanding,
  type RefusedCall,
} from "./authenticate.ts";
export {
  type AccessRequest,
  createGatekeeper,
  type Gatekeeper,
  type GatekeeperOptions,
  type Grant,
} from "./authorize.ts";
export { agentPrincipal, type Caller, callerKey, identityOf } from "./caller.ts";
export { LockBook, lockedError } from "./lock_book.ts";
export { type Credential, METHOD_CREDENTIALS } from "./method_rules.ts";
export { type DecidedRequest, requestFacts } from "./request_facts.ts";
export type { Restriction } from "./restrict.ts";
export { openTokens } from "./tokens.ts";
export { type Refusal, RefusalRecords, type RefusalRecordsOptions } from "./refusal_records.ts";
export { RefusedCalls } from "./refused_calls.ts";
