import { createHash } from "node:crypto";
import { scopeText } from "../../common/model/mod.ts";
import type { Cluster } from "./cluster.ts";
import { clientHistories } from "./client_histories.ts";
import {
  APPEND_LOG,
  checkLinearizability,
  type History,
  type Model,
  REGISTERS,
} from "./linearizability/mod.ts";
import type { MemoryState } from "./memory_state.ts";
import { everyoneIn, membershipIn, StateMachine } from "./state_machine.ts";
import type { Recorded } from "./recorded.ts";
import { MemoryState as State } from "./memory_state.ts";
import { Violation } from "./violation.ts";

/**
 * Judges a run once it has come to rest.
 *
 * @throws {Violation} for the first promise that was not kept
 */
export function judge(cluster: Cluster, history: readonly Recorded[]): void {
  const state = agreedState(cluster);
  checkReplay(cluster, state);
  checkEntries(state);
  checkApprovals(state);
  checkDocuments(state);
  checkRequests(state, history);
  const { log, registers } = clientHistories(state, history);
  checkHistory("log", APPEND_LOG, log);
  checkHistory("registers", REGISTERS, registers);
}

/** The state that all members have, byte for byte. */
function agreedState(cluster: Cluster): MemoryState {
  const { leader } = cluster;
  if (leader === undefined) throw new Violation("liveness", "nobody leads");
  const expected = leader.state.dump();
  for (const id of everyoneIn(membershipIn(leader.state))) {
    const dump = cluster.processOf(id)?.state.dump();
    if (dump === expected) continue;
    throw new Violation(
      "state equality",
      `members ${leader.id} and ${id} ${difference(expected, dump)}`,
    );
  }
  return leader.state;
}

function difference(expected: string, dump = ""): string {
  const lines = dump.split("\n");
  const at = expected.split("\n").findIndex((line, number) => line !== lines[number]);
  return `differ in line ${at}:\n${expected.split("\n")[at]}\n${lines[at]}`;
}

/** J7: the log alone makes the state. */
function checkReplay(cluster: Cluster, state: MemoryState): void {
  const replayed = new StateMachine(new State());
  const memberships = cluster.watch.memberships;
  for (const entry of cluster.watch.history) replayed.apply(entry, memberships.get(entry.index));
  const dump = replayed.state.dump();
  if (dump === state.dump()) return;
  throw new Violation("J7", `the log and the state ${difference(dump, state.dump())}`);
}

function checkEntries({ entries, nextSequence }: MemoryState): void {
  if (entries.length !== nextSequence) throw new Violation("J1", "the counter is not the length");
  for (const [at, { sequence, author, parent }] of entries.entries()) {
    if (sequence !== at) throw new Violation("J1", `entry ${sequence} stands at ${at}`);
    if (author.principal === "" || author.role === "") {
      throw new Violation("J3", `entry ${sequence} has no author`);
    }
    if (parent !== undefined && parent >= sequence) {
      throw new Violation("J4", `entry ${sequence} has the parent ${parent}`);
    }
  }
}

/** APR-11: what was approved happened once, and nothing else names an approval. */
function checkApprovals(state: MemoryState): void {
  const executed = new Map<string, number[]>();
  for (const { policy_ref = "", sequence } of state.entries) {
    if (!policy_ref.startsWith("approved:")) continue;
    executed.set(policy_ref, [...executed.get(policy_ref) ?? [], sequence]);
  }
  for (const [id, { status, executed_sequence }] of state.list("approvals")) {
    const found = executed.get(`approved:${id}`) ?? [];
    executed.delete(`approved:${id}`);
    const expected = executed_sequence === undefined ? [] : [executed_sequence];
    if (found.join() === expected.join() && (found.length === 0 || status === "Approved")) continue;
    throw new Violation("APR-11", `${id} is ${status}, and was carried out at ${found.join()}`);
  }
  const [unknown] = executed.keys();
  if (unknown !== undefined) throw new Violation("APR-11", `nobody asked for ${unknown}`);
}

function checkDocuments(state: MemoryState): void {
  for (const [vcluster, { data, checksum, version }] of state.list("overlays")) {
    const actual = createHash("sha256").update(data, "utf8").digest("hex");
    if (actual !== checksum) throw new Violation("J5", `overlay ${vcluster} has another checksum`);
    const builds = state.entries.filter(({ entry_type, scope }) =>
      entry_type === "BootConfig" && scopeText(scope) === scopeText({ VCluster: vcluster })
    );
    if (builds.at(-1)?.message !== `overlay version ${version}`) {
      throw new Violation("J5", `overlay ${vcluster} is not the latest build`);
    }
  }
  for (const [vcluster, { vcluster_id }] of state.list("policies")) {
    if (vcluster !== vcluster_id) throw new Violation("J6", `${vcluster} has another's policy`);
  }
  const actors = [
    ...[...state.list("audit")].map(([key, { actor }]) => ({ key, actor })),
    ...[...state.list("approvals")].map(([key, { requester }]) => ({ key, actor: requester })),
  ];
  for (const { key, actor: { principal, role } } of actors) {
    if (principal === "" || role === "") throw new Violation("J3", `nobody is named in ${key}`);
  }
}

/** What was acknowledged is there once, what was refused is not there. */
function checkRequests({ entries }: MemoryState, history: readonly Recorded[]): void {
  const places = Map.groupBy(entries, ({ request_id }) => request_id);
  for (const { ask, returned } of history) {
    if (ask.kind === "read") continue;
    const found = places.get(ask.request) ?? [];
    const [first] = found;
    if (found.length > 1) throw new Violation("JRN-57", `${ask.request} took effect twice`);
    if (returned === undefined) continue;
    const { told } = returned;
    if (told.kind === "appended" && first?.sequence !== told.sequence) {
      throw new Violation(
        "J2",
        `${ask.request} was told sequence ${told.sequence} and is at ${first?.sequence}`,
      );
    }
    if (told.kind !== "appended" && first !== undefined) {
      throw new Violation("JRN-21", `${ask.request} was refused and took effect`);
    }
  }
}

function checkHistory<State, Input, Output>(
  name: string,
  model: Model<State, Input, Output>,
  history: History<Input, Output>,
): void {
  const verdict = checkLinearizability(model, history);
  if (verdict.kind === "linearizable") return;
  if (verdict.kind === "undecided") {
    throw new Violation("linearizability", `${name}: undecided after ${verdict.visited} steps`);
  }
  const { longest, stuckAt } = verdict;
  const last = longest.slice(-5).map((operation) => JSON.stringify(operation)).join("\n");
  throw new Violation(
    "linearizability",
    `${name}: nothing explains\n${JSON.stringify(stuckAt)}\nafter\n${last}`,
  );
}
