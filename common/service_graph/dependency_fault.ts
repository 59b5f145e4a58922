/** Why a set of services cannot be started. */
export type DependencyFault =
  | { readonly kind: "unknown"; readonly service: string; readonly dependency: string }
  /** The names along the cycle, the first one repeated at the end. */
  | { readonly kind: "cycle"; readonly path: readonly string[] };

/** The words for a fault, the same in the journal and on every node (SVC-1). */
export function faultText(fault: DependencyFault): string {
  return fault.kind === "unknown"
    ? `service ${fault.service} depends on unknown service ${fault.dependency}`
    : `dependency cycle: ${cycleText(fault.path)}`;
}

/** Most services of a cycle that its text names; a longer one is told by its beginning. */
const MAX_NAMED = 16;
const NAMED_OF_LONGER = 8;

function cycleText(path: readonly string[]): string {
  const length = path.length - 1;
  if (length <= MAX_NAMED) return path.join(" -> ");
  const beginning = path.slice(0, NAMED_OF_LONGER).join(" -> ");
  return `${beginning} -> ... (${length} services) -> ${path[0]}`;
}

/**
 * What is wrong with the dependencies of a set, by service name; undefined for nothing (SVC-1). The
 * same set gives the same answer in whatever order it is listed, in time linear in its size and
 * without recursion: a set may come from anybody.
 */
export function dependencyFault(
  dependenciesOf: ReadonlyMap<string, readonly string[]>,
): DependencyFault | undefined {
  const names = [...dependenciesOf.keys()].sort();
  for (const service of names) {
    for (const dependency of dependenciesOf.get(service) ?? []) {
      if (!dependenciesOf.has(dependency)) return { kind: "unknown", service, dependency };
    }
  }
  const stuck = withoutStartable(dependenciesOf);
  const first = names.find((name) => stuck.has(name));
  return first === undefined
    ? undefined
    : { kind: "cycle", path: cycleFrom(first, stuck, dependenciesOf) };
}

/** Whoever is left when everything that could start has: who is on a cycle, or waits for one. */
function withoutStartable(dependenciesOf: ReadonlyMap<string, readonly string[]>): Set<string> {
  const dependents = new Map<string, string[]>();
  const waitingFor = new Map<string, number>();
  for (const [name, dependencies] of dependenciesOf) {
    const distinct = new Set(dependencies);
    waitingFor.set(name, distinct.size);
    for (const dependency of distinct) {
      const waiting = dependents.get(dependency);
      if (waiting === undefined) dependents.set(dependency, [name]);
      else waiting.push(name);
    }
  }
  const left = new Set(dependenciesOf.keys());
  const startable = [...left].filter((name) => waitingFor.get(name) === 0);
  for (let name = startable.pop(); name !== undefined; name = startable.pop()) {
    left.delete(name);
    for (const dependent of dependents.get(name) ?? []) {
      const count = (waitingFor.get(dependent) ?? 0) - 1;
      waitingFor.set(dependent, count);
      if (count === 0) startable.push(dependent);
    }
  }
  return left;
}

/** Each of `stuck` depends on another of them, so a walk among them comes back to where it was. */
function cycleFrom(
  first: string,
  stuck: ReadonlySet<string>,
  dependenciesOf: ReadonlyMap<string, readonly string[]>,
): string[] {
  const placeOf = new Map<string, number>();
  let name = first;
  while (!placeOf.has(name)) {
    placeOf.set(name, placeOf.size);
    name = dependenciesOf.get(name)?.find((dependency) => stuck.has(dependency)) ?? name;
  }
  return [...[...placeOf.keys()].slice(placeOf.get(name)), name];
}
