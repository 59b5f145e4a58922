import { dependencyFault } from "../../common/service_graph/mod.ts";
import type { ServiceDeclaration } from "./declaration.ts";
import { SupervisorError } from "./errors.ts";

/** A validated set of declarations, with the order its services start in (SVC-1, SVC-2). */
export interface StartPlan {
  /** Dependencies first, ties by order then name. */
  readonly sequence: readonly ServiceDeclaration[];
  /**
   * By name: the service's order, or that of a dependency if higher. Equal ranks start together,
   * lower ranks before higher ones, and stopping goes the other way.
   */
  readonly ranks: ReadonlyMap<string, number>;
  /** What is accepted but looks like a mistake. */
  readonly warnings: readonly string[];
}

/** How many services one node may declare. */
export const MAX_SERVICES = 512;

/**
 * Validates a set as a whole and orders it.
 *
 * @throws {SupervisorError} INVALID_DECLARATION (a name twice, too many services),
 * UNKNOWN_DEPENDENCY, DEPENDENCY_CYCLE
 */
export function planStart(declarations: readonly ServiceDeclaration[]): StartPlan {
  const byName = indexByName(declarations);
  assertNoFault(byName);
  const sequence = topologicalOrder(byName);
  const ranks = new Map<string, number>();
  const warnings: string[] = [];
  for (const { name, order, dependsOn } of sequence) {
    let rank = order;
    for (const dependency of dependsOn) {
      const dependencyRank = ranks.get(dependency) ?? 0;
      if ((byName.get(dependency)?.order ?? 0) > order) {
        warnings.push(
          `service ${name} (order ${order}) starts after its dependency ${dependency}, ` +
            `whose order is higher`,
        );
      }
      rank = Math.max(rank, dependencyRank);
    }
    ranks.set(name, rank);
  }
  return { sequence, ranks, warnings };
}

function indexByName(
  declarations: readonly ServiceDeclaration[],
): ReadonlyMap<string, ServiceDeclaration> {
  const byName = new Map<string, ServiceDeclaration>();
  for (const declaration of declarations) {
    const service = declaration.name;
    if (byName.has(service)) {
      throw new SupervisorError({
        code: "INVALID_DECLARATION",
        service,
        reason: "declared more than once",
      });
    }
    if (byName.size === MAX_SERVICES) {
      throw new SupervisorError({
        code: "INVALID_DECLARATION",
        service,
        reason: `more than ${MAX_SERVICES} services declared`,
      });
    }
    byName.set(service, declaration);
  }
  return byName;
}

function assertNoFault(byName: ReadonlyMap<string, ServiceDeclaration>): void {
  const fault = dependencyFault(
    new Map([...byName].map(([name, { dependsOn }]) => [name, dependsOn])),
  );
  if (fault === undefined) return;
  if (fault.kind === "cycle") {
    throw new SupervisorError({ code: "DEPENDENCY_CYCLE", path: fault.path });
  }
  const { service, dependency } = fault;
  throw new SupervisorError({ code: "UNKNOWN_DEPENDENCY", service, dependency });
}

function topologicalOrder(
  byName: ReadonlyMap<string, ServiceDeclaration>,
): readonly ServiceDeclaration[] {
  const waiting = [...byName.values()].sort(byOrderThenName);
  const placed = new Set<string>();
  const sequence: ServiceDeclaration[] = [];
  while (waiting.length > 0) {
    const next = waiting.findIndex(({ dependsOn }) => dependsOn.every((name) => placed.has(name)));
    const [declaration] = waiting.splice(next, 1);
    if (next < 0 || declaration === undefined) throw new Error("cycle past the cycle check");
    placed.add(declaration.name);
    sequence.push(declaration);
  }
  return sequence;
}

function byOrderThenName(a: ServiceDeclaration, b: ServiceDeclaration): number {
  if (a.order !== b.order) return a.order - b.order;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
