import type { JsonValue } from "../../common/json/mod.ts";
import { DOMAIN_VCLUSTER, type Entry, type Scope, scopeText } from "../../common/model/mod.ts";
import { dependencyFault, faultText } from "../../common/service_graph/mod.ts";
import { type Declared, declaredNow } from "./declared.ts";
import { reject, type Transaction } from "./transaction.ts";

/**
 * Refuses a change of services that leaves its scope with a set no node could start: a service
 * depends on one that is not declared, or on itself in the end (SVC-1). The entry has taken effect
 * in `tx`, so the set is looked at as a whole, as the nodes would get it.
 */
export function checkServices(tx: Transaction, { scope, state_delta }: Entry): void {
  if ((state_delta?.services ?? []).length === 0 || scope === "Global") return;
  const fault = dependencyFault(dependenciesIn(tx, scope));
  if (fault === undefined) return;
  reject("INVALID_ARGUMENT", `${faultText(fault)} (in what ${scopeText(scope)} would declare)`);
}

/** A vCluster's services, or a node's over those of its vCluster (APL-1). */
function dependenciesIn(tx: Transaction, scope: Exclude<Scope, "Global">): Map<string, string[]> {
  const dependencies = new Map<string, string[]>();
  if ("Node" in scope) {
    const vcluster = tx.get("node_assignments", scope.Node)?.vcluster_id ?? DOMAIN_VCLUSTER;
    collect(declaredNow(tx, { VCluster: vcluster }).values(), dependencies);
  }
  collect(declaredNow(tx, scope).values(), dependencies);
  return dependencies;
}

function collect(declared: Iterable<Declared>, into: Map<string, string[]>): void {
  for (const { category, key, value, absent } of declared) {
    if (category !== "services") continue;
    if (absent === true) into.delete(key);
    // The older form, a word: it changes what a service should do, not what it depends on.
    else if (typeof value === "string") into.set(key, into.get(key) ?? []);
    else into.set(key, dependenciesOf(value));
  }
}

/** Entries were checked at the edge, so whatever is no list of names is none. */
function dependenciesOf(value: JsonValue | undefined): string[] {
  if (typeof value !== "object" || value === null || !("depends_on" in value)) return [];
  const names = value["depends_on"];
  return Array.isArray(names) ? names.filter((name) => typeof name === "string") : [];
}
