import { type Fact, FIELDS, type NodeFacts, type Subject, subjectsOf } from "./fields.ts";
import type { Term } from "./parse.ts";

/** The facts that made a node match, as `FIELD=VALUE`. */
export type MatchingFacts = readonly string[];

/**
 * Whether a node satisfies every term, and by which facts. Terms about GPUs must all hold for one
 * GPU, and likewise for interfaces and services: `service=sshd and service_state=Failed` asks for a
 * failed sshd.
 */
export function matchNode(terms: readonly Term[], facts: NodeFacts): MatchingFacts | undefined {
  const found = new Set<string>();
  for (const kind of new Set(terms.map(({ field }) => FIELDS[field]))) {
    const ofKind = terms.filter(({ field }) => FIELDS[field] === kind);
    const subjects = subjectsOf(kind, facts).filter((subject) =>
      ofKind.every((term) => holds(term, subject))
    );
    if (subjects.length === 0) return undefined;
    for (const subject of subjects) {
      for (const { field } of ofKind) found.add(`${field}=${factText(subject[field] ?? "")}`);
    }
  }
  return [...found];
}

/** Whether a filter needs the nodes' reports of what they have. */
export function needsReport(terms: readonly Term[]): boolean {
  const fromState: readonly string[] = ["supervisor", "enrollment", "drift"];
  return terms.some(({ field }) => !fromState.includes(field));
}

function holds({ field, operator, value }: Term, subject: Subject): boolean {
  const fact = subject[field];
  if (fact === undefined) return false;
  switch (operator) {
    case "=":
      return equals(fact, value);
    case "!=":
      return !equals(fact, value);
    case "<":
      return Number(fact) < Number(value);
    case ">":
      return Number(fact) > Number(value);
    case "<=":
      return Number(fact) <= Number(value);
    case ">=":
      return Number(fact) >= Number(value);
  }
}

function equals(fact: Fact, value: string): boolean {
  return typeof fact === "number"
    ? fact === Number(value)
    : fact.toLowerCase() === value.toLowerCase();
}

function factText(fact: Fact): string {
  return typeof fact === "number" ? String(Math.round(fact * 100) / 100) : fact;
}
