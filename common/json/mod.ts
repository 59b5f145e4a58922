/** Canonical JSON and the null rule of pact documents. */
export { canonicalBytes, canonicalJson, type JsonValue } from "./canonical.ts";
export { withoutNulls } from "./nulls.ts";
