import { PACT_ROOT, WORKLOAD_ROOT } from "../../contracts/mod.ts";
import type { Actor, Confidence } from "./event.ts";

/** Kinds of place a process runs in, as far as its cgroup tells. */
export type Place =
  | { readonly kind: "service"; readonly name: string }
  | { readonly kind: "workload"; readonly name: string }
  /** A command or shell given through pact. */
  | { readonly kind: "session"; readonly name: string }
  | { readonly kind: "other"; readonly name: string };

const SESSION_SCOPE = /(?:^|\/)(?:exec|shell)-[^/]+\.scope(?:\/|$)/;
const SCOPE = /([^/]+)\.(?:scope|service)(?:\/|$)/;

/** Where a process runs; undefined where that is not known or is the root. */
export function placeOf({ cgroup }: Pick<Actor, "cgroup">): Place | undefined {
  if (cgroup === undefined || cgroup === "/" || cgroup === "") return undefined;
  const path = cgroup.replace(/^\/+/, "");
  const name = SCOPE.exec(path)?.[1] ?? path.split("/").at(-1) ?? path;
  if (path === WORKLOAD_ROOT || path.startsWith(`${WORKLOAD_ROOT}/`)) {
    return { kind: "workload", name };
  }
  if (SESSION_SCOPE.test(path)) return { kind: "session", name };
  if (path.startsWith(`${PACT_ROOT}/`) || /\.service(?:\/|$)/.test(path)) {
    return { kind: "service", name };
  }
  return { kind: "other", name };
}

/**
 * An actor in one line: `sed (pid 4711, uid 0, service nginx)`. Nothing of its arguments is in it, so no
 * secret can be.
 */
export function describeActor(actor: Actor): string {
  const { pid, comm, uid, loginUid, parents = [] } = actor;
  const place = placeOf(actor);
  const facts = [`pid ${pid}`];
  if (uid !== undefined) facts.push(`uid ${uid}`);
  if (loginUid !== undefined && loginUid !== uid) facts.push(`logged in as uid ${loginUid}`);
  if (place !== undefined && place.kind !== "other") facts.push(`${place.kind} ${place.name}`);
  if (parents.length > 0) facts.push(`started by ${parents.join(" < ")}`);
  if (actor.confidence !== "certain") facts.push(actor.confidence === "likely" ? "likely" : "gone");
  return `${comm ?? "a process"} (${facts.join(", ")})`;
}

const RANK: Readonly<Record<Confidence, number>> = { number: 0, likely: 1, certain: 2 };

/** Of two actors of the same change the one that is known better; the later where both are alike. */
export function betterActor(former: Actor | undefined, later: Actor | undefined) {
  if (former === undefined || later === undefined) return later ?? former;
  return RANK[later.confidence] >= RANK[former.confidence] ? later : former;
}
