/** Conversions between pact's documents (common/model) and the protobuf messages that carry them. */
export { checkpointFromWire, checkpointToWire } from "./checkpoint.ts";
export { deltaFromWire, deltaToWire } from "./delta.ts";
export {
  documentedEntryToWire,
  entryFromWire,
  entryToWire,
  entryTypeFromWire,
  entryTypeToWire,
  hiddenEntryToWire,
  storedEntryFromWire,
  type SubmittedEntry,
} from "./entry.ts";
export { identityFromWire, identityToWire, scopeFromWire, scopeToWire } from "./identity.ts";
export { policyToWire, settingsFromWire, settingsToWire } from "./policy.ts";
export { counterFromWire, instantFromWire, instantToWire, present } from "./scalars.ts";
