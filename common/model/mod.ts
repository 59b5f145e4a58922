/**
 * The documents pact's parts exchange and store: entries, deltas, overlays, services, policies.
 * Their JSON form with snake_case keys is the domain type (JRN-13, OVL-2); `wire/` holds the
 * protobuf side.
 */
export * from "./decision_policy.ts";
export * from "./delta.ts";
export * from "./device_rule.ts";
export * from "./entry.ts";
export * from "./identifiers.ts";
export * from "./identity.ts";
export * from "./overlay_document.ts";
export * from "./policy.ts";
export * from "./scope.ts";
export * from "./service_declaration.ts";
