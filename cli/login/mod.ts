/**
 * Logging in: finding the identity provider, choosing a flow, walking it.
 *
 * @module
 */
export { answerOf } from "./manual_flow.ts";
export { chooseFlow, type Flow, type FlowFacts } from "./choose_flow.ts";
export { findIdentityProvider, type IdentityProvider, placesToAsk } from "./identity_provider.ts";
export { logIn, type LoginRequest, type LoginSurroundings } from "./login.ts";
export { scopesToAsk } from "./scopes.ts";
