import {
  isVoter,
  message,
  MESSAGE_TYPES,
  type MessageType,
  type Transition,
} from "../../journal/raft/mod.ts";
import { addNodes, ELECTION_TICKS, HEARTBEAT_TICKS } from "./add_nodes.ts";
import {
  firstNumber,
  optionsOf,
  parseBoolean,
  parseIds,
  parseNumber,
  requiredValue,
} from "./arguments.ts";
import { parseChanges } from "./change_tokens.ts";
import { CommandError } from "./command_error.ts";
import { describeEntry, describeMessage, describeProgress, describeRole } from "./describe.ts";
import type { Interaction, Recipient } from "./interaction.ts";
import { LOG_LEVELS } from "./output.ts";
import { type Directive, ScriptError } from "./script.ts";
import type { SimulatedNode } from "./simulated_node.ts";

/** @throws {CommandError | RaftError} what the command prints; others end the run */
export type Command = (env: Interaction, directive: Directive) => void;

/** Everything a script of nodes can say. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map<string, Command>([
  ["_breakpoint", () => {}],
  ["add-nodes", addNodes],
  ["campaign", onNode((node) => node.core.campaign())],
  ["compact", compact],
  ["deliver-msgs", deliverMessages],
  ["forget-leader", onNode((node) => node.core.forgetLeader())],
  ["log-level", (env, { args }) => setLogLevel(env, args[0]?.key ?? "")],
  ["process-ready", forNodes("handling Ready", (env, node) => env.processReady(node))],
  [
    "process-append-thread",
    forNodes("processing append thread", (env, node) => env.send(node.processAppend())),
  ],
  [
    "process-apply-thread",
    forNodes("processing apply thread", (env, node) => env.send(node.processApply())),
  ],
  ["propose", propose],
  ["propose-conf-change", proposeConfChange],
  ["raft-log", (env, { args }) => printLog(env, env.node(firstNumber(args)))],
  ["raft-state", printStates],
  ["report-unreachable", reportUnreachable],
  ["send-snapshot", sendSnapshot],
  ["set-randomized-election-timeout", (env, { args }) => {
    env.node(firstNumber(args)).core
      .overrideElectionTimeout(parseNumber(requiredValue(args, "timeout")));
  }],
  ["stabilize", stabilize],
  [
    "status",
    onNode((node, env) => {
      env.output.write(describeProgress(node.core.status().progress));
    }),
  ],
  ["tick-election", onNode((node) => tick(node, ELECTION_TICKS))],
  ["tick-heartbeat", onNode((node) => tick(node, HEARTBEAT_TICKS))],
  ["transfer-leadership", (env, { args }) => {
    const target = env.node(parseNumber(requiredValue(args, "to"))).id;
    env.node(parseNumber(requiredValue(args, "from"))).core.transferLeadership(target);
  }],
]);

function onNode(action: (node: SimulatedNode, env: Interaction) => void): Command {
  return (env, { args }) => action(env.node(firstNumber(args)), env);
}

/** One node after the other, each under a header when there are several. */
function forNodes(what: string, work: (env: Interaction, node: SimulatedNode) => void): Command {
  return (env, { args }) => {
    const nodes = parseIds(args).map((id) => env.node(id));
    for (const node of nodes) {
      if (nodes.length === 1) work(env, node);
      else env.block(node, what, () => work(env, node));
    }
  };
}

function tick(node: SimulatedNode, times: number): void {
  for (let done = 0; done < times; done++) node.core.tick();
}

function compact(env: Interaction, { args }: Directive): void {
  const node = env.node(firstNumber(args));
  node.storage.compact(firstNumber(args.slice(1)));
  printLog(env, node);
}

function printLog(env: Interaction, { storage }: SimulatedNode): void {
  const first = storage.firstIndex();
  const last = storage.lastIndex();
  if (last < first) {
    env.output.write(`log is empty: first index=${first}, last index=${last}`);
    return;
  }
  for (const entry of storage.all()) env.output.write(`${describeEntry(entry)}\n`);
}

function printStates(env: Interaction): void {
  for (const { id, core } of env.nodes) {
    const { role, term, leader, configuration } = core.status();
    const kind = isVoter(configuration, id) ? "Voter" : "Non-Voter";
    env.output.write(`${id}: ${describeRole(role)} (${kind}) Term:${term} Lead:${leader}\n`);
  }
}

function deliverMessages(env: Interaction, { args }: Directive): void {
  const recipients: Recipient[] = [];
  let type: MessageType | undefined;
  for (const { key, values } of args) {
    if (values.length === 0) recipients.push({ id: parseNumber(key), isDropped: false });
    for (const value of values) {
      if (key === "type") {
        type = MESSAGE_TYPES.find((known) => `Msg${known}` === value);
        if (type === undefined) throw new ScriptError(`unknown message type ${value}`);
      } else if (key === "drop") {
        const id = parseNumber(value);
        if (recipients.some((recipient) => recipient.id === id)) {
          throw new ScriptError(`messages to ${id} cannot be both delivered and dropped`);
        }
        recipients.push({ id, isDropped: true });
      }
    }
  }
  if (env.deliver(recipients, type) === 0) env.output.write("no messages\n");
}

function propose(env: Interaction, { args }: Directive): void {
  const [, data] = args;
  if (data === undefined || args.length !== 2 || data.values.length > 0) {
    throw new ScriptError("propose takes a node and one word");
  }
  env.node(firstNumber(args)).core.propose(new TextEncoder().encode(data.key));
}

const TRANSITIONS: readonly Transition[] = ["auto", "implicit", "explicit"];

function proposeConfChange(env: Interaction, { args, input }: Directive): void {
  const node = env.node(firstNumber(args));
  let isSingle = false;
  let transition: Transition = "auto";
  for (const [key, value] of optionsOf(args.slice(1))) {
    if (key === "v1") {
      isSingle = parseBoolean(value);
    } else if (key === "transition") {
      const known = TRANSITIONS.find((name) => name === value);
      if (known === undefined) throw new CommandError(`unknown transition ${value}`);
      transition = known;
    } else {
      throw new CommandError(`unknown command ${key}`);
    }
  }
  const changes = parseChanges(input);
  if (isSingle && (changes.length > 1 || transition !== "auto")) {
    throw new CommandError("v1 conf change can only have one operation and no transition");
  }
  const change = { transition, changes, context: new Uint8Array(0) };
  node.core.proposeMembershipChange(change, isSingle ? "single" : "list");
}

function reportUnreachable(env: Interaction, { args }: Directive): void {
  const [on, reported, more] = parseIds(args).map((id) => env.node(id));
  if (on === undefined || reported === undefined || more !== undefined) {
    throw new CommandError(
      "must specify exactly two node indexes: node on which to report, and reported node",
    );
  }
  on.core.reportUnreachable(reported.id);
}

function sendSnapshot(env: Interaction, { args }: Directive): void {
  const [sender, to] = parseIds(args);
  if (sender === undefined || to === undefined) {
    throw new ScriptError("send-snapshot takes two nodes");
  }
  const from = env.node(sender);
  const sent = message({
    type: "Snap",
    from: from.id,
    to,
    term: from.core.status().term,
    snapshot: from.newestSnapshot,
  });
  env.send([sent]);
  env.output.write(describeMessage(sent));
}

function setLogLevel(env: Interaction, name: string): void {
  const level = LOG_LEVELS.find((known) => known === name.toUpperCase());
  if (level === undefined) {
    throw new CommandError(`log levels must be either of [${LOG_LEVELS.join(" ")}]`);
  }
  env.output.level = level;
}

function stabilize(env: Interaction, { args }: Directive): void {
  const nodes = parseIds(args).map((id) => env.node(id));
  const { level } = env.output;
  try {
    for (const [key, value] of optionsOf(args)) if (key === "log-level") setLogLevel(env, value);
    env.stabilize(nodes.length > 0 ? nodes : env.nodes);
  } finally {
    env.output.level = level;
  }
}
