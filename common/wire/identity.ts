import { create } from "@bufbuild/protobuf";
import { config } from "../../api/mod.ts";
import { PactError } from "../errors/mod.ts";
import { type Identity, IdentitySchema, isScope, type Scope } from "../model/mod.ts";

/** Protobuf form of an identity. */
export function identityToWire(identity: Identity): config.Identity {
  return create(config.IdentitySchema, {
    principal: identity.principal,
    principalType: identity.principal_type,
    role: identity.role,
  });
}

/**
 * An identity from the wire.
 *
 * @throws {PactError} INVALID_ARGUMENT for an unknown principal type (JRN-10).
 */
export function identityFromWire(message: config.Identity): Identity {
  const parsed = IdentitySchema.safeParse({
    principal: message.principal,
    principal_type: message.principalType,
    role: message.role,
  });
  if (!parsed.success) throw invalid(parsed.error.issues[0]?.message ?? "invalid identity");
  return parsed.data;
}

/** Protobuf form of a scope. */
export function scopeToWire(scope: Scope): config.Scope {
  if (scope === "Global") {
    return create(config.ScopeSchema, { scope: { case: "global", value: true } });
  }
  return create(config.ScopeSchema, {
    scope: "VCluster" in scope
      ? { case: "vclusterId", value: scope.VCluster }
      : { case: "nodeId", value: scope.Node },
  });
}

/**
 * A scope from the wire; absent means Global (journal.md 2.1).
 *
 * @throws {PactError} INVALID_ARGUMENT when an id breaks its grammar.
 */
export function scopeFromWire(message: config.Scope | undefined): Scope {
  const choice = message?.scope;
  if (choice === undefined || choice.case === undefined || choice.case === "global") {
    return "Global";
  }
  const scope = choice.case === "vclusterId" ? { VCluster: choice.value } : { Node: choice.value };
  if (!isScope(scope)) throw invalid(`invalid scope '${choice.value}'`);
  return scope;
}

function invalid(message: string): PactError {
  return new PactError("INVALID_ARGUMENT", message);
}
