/** What takes two people: asking the journal for the second one's consent. */
export {
  type AskedAction,
  type Consent,
  createConsent,
  OutOfReachError,
  type PersonAsking,
  unavailable,
} from "./consent.ts";
