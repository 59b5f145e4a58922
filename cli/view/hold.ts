import type { journal } from "../../api/mod.ts";
import { type Scope, scopeText } from "../../common/model/mod.ts";
import { instantFromWire, scopeFromWire } from "../../common/wire/mod.ts";
import { printable } from "../output/mod.ts";

/** What a stale emergency means for who schedules jobs, and how it ends (EMG-4). */
export function holdText(session: journal.EmergencySession): string {
  const { id, principal } = session;
  const place = placeOf(session);
  return `Hold: no jobs on ${place === undefined ? "(unknown)" : printable(scopeText(place))}: ` +
    `emergency ${printable(id)} of ${printable(principal)} is stale — pact emergency end${
      endArguments(place)
    }`;
}

/** The same for programs. */
export function holdJson(session: journal.EmergencySession) {
  const { id, principal, reason, holdSince } = session;
  const place = placeOf(session);
  return {
    emergency: id,
    scope: place === undefined ? null : scopeText(place),
    principal,
    reason,
    since: holdSince === undefined ? null : instantFromWire(holdSince),
  };
}

function placeOf({ scope }: journal.EmergencySession): Scope | undefined {
  return scope === undefined ? undefined : scopeFromWire(scope);
}

function endArguments(place: Scope | undefined): string {
  if (place === undefined || place === "Global") return "";
  return "Node" in place
    ? ` --node ${printable(place.Node)}`
    : ` --vcluster ${printable(place.VCluster)}`;
}
