import {
  jointCommitted,
  jointVote,
  type JointVoters,
  majorityCommitted,
  majorityVote,
  type VoteResult,
} from "../../journal/raft/mod.ts";
import { parseNumber } from "./arguments.ts";
import { type Argument, type Directive, ScriptError } from "./script.ts";

const VOTES: ReadonlyMap<string, number> = new Map([["_", 0], ["n", 1], ["y", 2]]);
const RESULTS: Readonly<Record<VoteResult, string>> = {
  won: "VoteWon",
  lost: "VoteLost",
  pending: "VotePending",
};
const NOBODY: ReadonlySet<number> = new Set();

/** Runs one directive of a quorum script. @throws {ScriptError} */
export function runQuorum({ command, args }: Directive): string {
  if (command !== "committed" && command !== "vote") {
    throw new ScriptError(`unknown command ${command}`);
  }
  const known = new Set(["cfg", "cfgj", "idx", "votes"]);
  const unknown = args.find(({ key }) => !known.has(key));
  if (unknown) throw new ScriptError(`unknown argument ${unknown.key}`);
  const incoming = idsOf(args, "cfg");
  const joint = args.some(({ key }) => key === "cfgj");
  const outgoing = idsOf(args, "cfgj");
  const ids = [...new Set([...incoming, ...outgoing])];
  const values = command === "vote" ? numbersOf(args, "votes") : numbersOf(args, "idx");
  if (values.length !== ids.length) {
    const set = [...ids].sort((a, b) => a - b).map((id) => `${id}:{}`).join(" ");
    return `error: mismatched input (explicit or _) for voters map[${set}]: [${values.join(" ")}]`;
  }
  const byId = new Map(ids.map((id, at) => [id, values[at] ?? 0]));
  const voters = { incoming: new Set(incoming), outgoing: new Set(outgoing) };
  return command === "vote"
    ? `${RESULTS[voteResult(voters, byId, joint)]}\n`
    : describeIndexes(byId) + `${committed(voters, byId, joint)}\n`.replace("Infinity", "∞");
}

function idsOf(args: readonly Argument[], key: string): number[] {
  const values = args.filter((argument) => argument.key === key).flatMap(({ values }) => values);
  return key === "cfgj" && values.length === 1 && values[0] === "zero"
    ? []
    : values.map(parseNumber);
}

function numbersOf(args: readonly Argument[], key: "idx" | "votes"): number[] {
  return args.filter((argument) => argument.key === key).flatMap(({ values }) => values)
    .map((value) => {
      const number = key === "votes" ? VOTES.get(value) : value === "_" ? 0 : parseNumber(value);
      if (number === undefined || (number === 0 && value !== "_")) {
        throw new ScriptError(`"${value}" is no value for ${key}`);
      }
      return number;
    });
}

/** The committed index, computed in more than one way. */
function committed(
  voters: JointVoters,
  indexes: ReadonlyMap<number, number>,
  joint: boolean,
): number {
  const acked = (id: number) => indexes.get(id) ?? 0;
  const { incoming, outgoing } = voters;
  if (joint) {
    const result = jointCommitted(voters, acked);
    agree(result, jointCommitted({ incoming: outgoing, outgoing: incoming }, acked));
    return result;
  }
  const result = majorityCommitted(incoming, acked);
  agree(result, jointCommitted({ incoming, outgoing: NOBODY }, acked));
  agree(result, jointCommitted({ incoming, outgoing: incoming }, acked));
  for (const [lowered, index] of indexes) {
    // What lies below the result anyway does not move it.
    if (index === 0 || index >= result) continue;
    for (const to of [index - 1, 0]) {
      agree(result, majorityCommitted(incoming, (id) => id === lowered ? to : acked(id)));
    }
  }
  return result;
}

function voteResult(
  voters: JointVoters,
  votes: ReadonlyMap<number, number>,
  joint: boolean,
): VoteResult {
  const voteOf = (id: number) => [undefined, false, true][votes.get(id) ?? 0];
  const { incoming, outgoing } = voters;
  if (joint) {
    const result = jointVote(voters, voteOf);
    agree(result, jointVote({ incoming: outgoing, outgoing: incoming }, voteOf));
    return result;
  }
  const result = majorityVote(incoming, voteOf);
  agree(result, jointVote({ incoming, outgoing: NOBODY }, voteOf));
  agree(result, jointVote({ incoming, outgoing: incoming }, voteOf));
  return result;
}

function agree<T>(result: T, other: T): void {
  if (result !== other) throw new Error(`two ways to the quorum differ: ${result} and ${other}`);
}

/** A table with a bar for each id: how many others are known to hold less. */
function describeIndexes(indexes: ReadonlyMap<number, number>): string {
  const width = indexes.size;
  if (width === 0) return "<empty majority quorum>";
  const sorted = [...indexes].sort(([a, x], [b, y]) => x - y || a - b);
  const bars = new Map<number, number>();
  for (const [at, [id, index]] of sorted.entries()) {
    const before = sorted[at - 1];
    const isHigher = before !== undefined && index > before[1];
    bars.set(id, isHigher ? at : before === undefined ? 0 : bars.get(before[0]) ?? 0);
  }
  const rows = [...indexes].sort(([a], [b]) => a - b).map(([id, index]) => {
    const bar = index === 0 ? "?" : `${"x".repeat(bars.get(id) ?? 0)}>`;
    return `${bar.padEnd(width + 1)} ${`${index}`.padStart(5)}    (id=${id.toString(16)})\n`;
  });
  return `${" ".repeat(width)}    idx\n${rows.join("")}`;
}
