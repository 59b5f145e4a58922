/**
 * What a unit has to wait for that systemd knows nothing of: the health of what it depends on, and the
 * interfaces it needs (HLT-4, NET-7). Pure.
 *
 * @module
 */
import type { ServiceDeclaration } from "../supervisor/mod.ts";
import type { UnitStatus } from "./unit_status.ts";

/** What is known when a unit is about to be started. */
export interface GateFacts {
  readonly declared: ReadonlyMap<string, ServiceDeclaration>;
  /** What systemd said last. */
  readonly units: ReadonlyMap<string, Pick<UnitStatus, "state">>;
  /** Services that are kept from starting themselves. */
  readonly held: ReadonlySet<string>;
  /** Services that get a new process: what was known of the old one's health is void. */
  readonly changing: ReadonlySet<string>;
  /** Whether a check of the service's process has succeeded. */
  readonly hasPassed: (service: string) => boolean;
  /** Whether the time for that is over. */
  readonly isLate: (service: string) => boolean;
  readonly interfacesUp: () => ReadonlySet<string>;
}

/** Why a unit is not started yet. */
export interface Hold {
  /** The text behind `waiting:`, or the reason of a failure. */
  readonly what: string;
  /** It waits for an interface; for anything else a look at the units tells. */
  readonly forInterface: boolean;
  /** A dependency was not healthy in time. It is started all the same once that is. */
  readonly isLate: boolean;
}

/** Whether dependents wait until a check has succeeded; that of a process is its start. */
function isGate({ healthCheck: { gate, probe } }: ServiceDeclaration): boolean {
  return gate && probe.kind !== "Process";
}

/** What keeps a service from being started; null when systemd may. */
export function holdOf(
  { dependsOn, needsNetwork }: ServiceDeclaration,
  facts: GateFacts,
): Hold | null {
  for (const name of dependsOn) {
    const hold = holdOfDependency(name, facts);
    if (hold !== null) return hold;
  }
  const down = needsNetwork.length === 0
    ? undefined
    : needsNetwork.find((name) => !facts.interfacesUp().has(name));
  return down === undefined
    ? null
    : { what: `interface ${down}`, forInterface: true, isLate: false };
}

function holdOfDependency(name: string, facts: GateFacts): Hold | null {
  const { declared, units, held, changing, hasPassed, isLate } = facts;
  const waiting = (what: string): Hold => ({ what, forInterface: false, isLate: false });
  if (held.has(name)) return waiting(`dependency ${name}`);
  const dependency = declared.get(name);
  if (dependency === undefined || !isGate(dependency)) return null;
  if (changing.has(name)) return waiting(`dependency ${name}`);
  switch (units.get(name)?.state) {
    case "Running":
      if (hasPassed(name)) return null;
      return isLate(name)
        ? { ...waiting(`dependency ${name} not healthy in time`), isLate: true }
        : waiting(`health of dependency ${name}`);
    case "Failed":
      return waiting(`dependency ${name} failed`);
    case "Stopped":
      return waiting(`dependency ${name} is stopped`);
    default:
      return waiting(`dependency ${name}`);
  }
}
