import { EMPTY_SNAPSHOT, type Snapshot } from "../../journal/raft/mod.ts";
import { firstNumber, optionsOf, parseBoolean, parseNumber } from "./arguments.ts";
import { CommandError } from "./command_error.ts";
import { logEvent } from "./event_lines.ts";
import { quoteText } from "./go_text.ts";
import type { Interaction } from "./interaction.ts";
import { MemoryStorage } from "./memory_storage.ts";
import type { Directive } from "./script.ts";
import { type CoreOptions, SimulatedNode } from "./simulated_node.ts";

export const ELECTION_TICKS = 3;
export const HEARTBEAT_TICKS = 1;

/** A core without any bound or extra that a script has not asked for. */
const BARE_OPTIONS: CoreOptions = {
  electionTicks: ELECTION_TICKS,
  heartbeatTicks: HEARTBEAT_TICKS,
  maxAppendBytes: Infinity,
  maxApplyingBytes: Infinity,
  maxUncommittedBytes: Infinity,
  maxInflightMessages: 2 ** 31 - 1,
  maxInflightBytes: Infinity,
  checkQuorum: false,
  preVote: false,
  readMode: "safe",
  forwardProposals: true,
  asyncStorageWrites: false,
  quietCommits: false,
  validateMembershipChanges: true,
  stepDownOnRemoval: false,
};

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What `add-nodes` says about the nodes it makes. */
interface Plan {
  readonly options: Writable<CoreOptions>;
  readonly voters: number[];
  readonly learners: number[];
  index: number;
  content: string;
}

type Setting = (plan: Plan, value: string) => void;

const SETTINGS: ReadonlyMap<string, Setting> = new Map<string, Setting>([
  ["voters", (plan, value) => plan.voters.push(parseNumber(value))],
  ["learners", (plan, value) => plan.learners.push(parseNumber(value))],
  ["index", (plan, value) => {
    plan.index = parseNumber(value);
    plan.options.applied = plan.index;
  }],
  ["content", (plan, value) => plan.content = value],
  ["inflight", (plan, value) => plan.options.maxInflightMessages = parseNumber(value)],
  ["async-storage-writes", (plan, value) => {
    plan.options.asyncStorageWrites = parseBoolean(value);
  }],
  ["prevote", (plan, value) => plan.options.preVote = parseBoolean(value)],
  ["checkquorum", (plan, value) => plan.options.checkQuorum = parseBoolean(value)],
  ["max-committed-size-per-ready", (plan, value) => {
    plan.options.maxApplyingBytes = parseNumber(value);
  }],
  ["disable-conf-change-validation", (plan, value) => {
    plan.options.validateMembershipChanges = !parseBoolean(value);
  }],
  ["read-only", (plan, value) => plan.options.readMode = readModeOf(value)],
  ["step-down-on-removal", (plan, value) => {
    plan.options.stepDownOnRemoval = parseBoolean(value);
  }],
]);

function readModeOf(value: string): "safe" | "lease" {
  if (value === "safe") return "safe";
  if (value === "lease-based") return "lease";
  throw new CommandError(`invalid read-only option ${quoteText(value)}`);
}

/** Makes nodes, all with the same options. */
export function addNodes(env: Interaction, { args }: Directive): void {
  const count = firstNumber(args);
  const plan: Plan = {
    options: { ...BARE_OPTIONS },
    voters: [],
    learners: [],
    index: 0,
    content: "",
  };
  for (const [key, value] of optionsOf(args.slice(1))) SETTINGS.get(key)?.(plan, value);
  for (let made = 0; made < count; made++) env.nodes.push(makeNode(env, plan));
}

function makeNode(env: Interaction, plan: Plan): SimulatedNode {
  const id = env.nodes.length + 1;
  const snapshot = snapshotOf(plan);
  const history = [snapshot];
  const storage = new MemoryStorage(() => history.at(-1) ?? snapshot);
  if (snapshot.index > 0) storage.applySnapshot(snapshot);
  const options = {
    ...plan.options,
    id,
    storage,
    random: fixedRandom,
    onEvent: (event: Parameters<typeof logEvent>[2]) => logEvent(env.output, id, event),
  };
  return new SimulatedNode(options, history, env.output);
}

/** Scripts set the timeouts that matter to them, so any number will do. */
function fixedRandom(bound: number): number {
  return Math.floor(bound / 2);
}

/** Where a node begins: a bootstrapped one with a snapshot, any other with nothing. */
function snapshotOf({ voters, learners, index, content }: Plan): Snapshot {
  const isBootstrapped = voters.length + learners.length + index > 0 || content !== "";
  if (!isBootstrapped) return EMPTY_SNAPSHOT;
  if (index <= 1) throw new CommandError("index must be specified as > 1 due to bootstrap");
  return {
    index,
    term: 1,
    data: new TextEncoder().encode(content),
    membership: { ...EMPTY_SNAPSHOT.membership, voters, learners },
  };
}
