import {
  isStorageThread,
  type Message,
  type MessageType,
  RaftError,
} from "../../journal/raft/mod.ts";
import { CommandError } from "./command_error.ts";
import { describeMessage } from "./describe.ts";
import { COMMANDS } from "./interaction_commands.ts";
import { Output } from "./output.ts";
import { type Directive, ScriptError } from "./script.ts";
import type { SimulatedNode } from "./simulated_node.ts";

/** Whose messages to take out of the network, and whether to lose them. */
export interface Recipient {
  readonly id: number;
  readonly isDropped: boolean;
}

/** More passes than any script needs: what does not settle by then never will. */
const MAX_PASSES = 10_000;

/** Nodes, the network between them, and what a command prints. */
export class Interaction {
  readonly output = new Output();
  readonly nodes: SimulatedNode[] = [];
  /** First in, first out, over all recipients. */
  network: readonly Message[] = [];

  /** @throws when the script is not valid or the core breaks a promise: the run ends then */
  run(directive: Directive): string {
    this.output.take();
    const command = COMMANDS.get(directive.command);
    try {
      if (command === undefined) throw new CommandError("unknown command");
      command(this, directive);
    } catch (error) {
      if (!(error instanceof CommandError || error instanceof RaftError)) throw error;
      if (this.output.level === "NONE") return error.message;
      this.output.force(error.message);
    }
    const text = this.output.take();
    return text === "" ? "ok" : text;
  }

  /** @throws {ScriptError} */
  node(id: number): SimulatedNode {
    const node = this.nodes[id - 1];
    if (node === undefined) throw new ScriptError(`there is no node ${id}`);
    return node;
  }

  send(messages: readonly Message[]): void {
    this.network = [...this.network, ...messages];
  }

  processReady(node: SimulatedNode): void {
    this.send(node.processReady());
  }

  /** @returns how many messages were taken */
  deliver(recipients: readonly Recipient[], type?: MessageType): number {
    let taken = 0;
    for (const { id, isDropped } of recipients) {
      const isFor = (message: Message) => this.#isFor(message, id, isDropped, type);
      const messages = this.network.filter(isFor);
      this.network = this.network.filter((message) => !isFor(message));
      taken += messages.length;
      for (const message of messages) this.#hand(message, id, isDropped);
    }
    return taken;
  }

  #isFor(message: Message, id: number, isDropped: boolean, type?: MessageType): boolean {
    if (message.to !== id || (type !== undefined && message.type !== type)) return false;
    // What does not leave the machine is not lost on the network.
    const isLocal = message.from === message.to || isStorageThread(message.from);
    return !(isDropped && isLocal);
  }

  #hand(message: Message, id: number, isDropped: boolean): void {
    this.output.write(`${isDropped ? "dropped: " : ""}${describeMessage(message)}\n`);
    if (isDropped) return;
    try {
      this.node(id).core.step(message);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      this.output.write(`${error.message}\n`);
    }
  }

  /** Lets the nodes work and talk to each other until nothing is left to do. */
  stabilize(nodes: readonly SimulatedNode[]): void {
    for (let pass = 0; pass < MAX_PASSES; pass++) if (!this.#pass(nodes)) return;
    throw new Error(`nothing settled in ${MAX_PASSES} passes`);
  }

  /** @returns whether anything was done */
  #pass(nodes: readonly SimulatedNode[]): boolean {
    const done = [
      this.#each(nodes, "handling Ready", (node) => node.core.hasReady, (node) => {
        this.processReady(node);
      }),
      this.#each(
        nodes,
        "receiving messages",
        ({ id }) => this.network.some(({ to }) => to === id),
        ({ id }) => this.deliver([{ id, isDropped: false }]),
      ),
      this.#each(nodes, "processing append thread", hasAppendWork, (node) => {
        while (hasAppendWork(node)) this.send(node.processAppend());
      }),
      this.#each(nodes, "processing apply thread", hasApplyWork, (node) => {
        while (hasApplyWork(node)) this.send(node.processApply());
      }),
    ];
    return done.includes(true);
  }

  #each(
    nodes: readonly SimulatedNode[],
    what: string,
    isDue: (node: SimulatedNode) => boolean,
    work: (node: SimulatedNode) => void,
  ): boolean {
    let isDone = false;
    for (const node of nodes) {
      if (!isDue(node)) continue;
      this.block(node, what, () => work(node));
      isDone = true;
    }
    return isDone;
  }

  /** A header, and what follows indented. */
  block(node: SimulatedNode, what: string, work: () => void): void {
    this.output.write(`> ${node.id} ${what}\n`);
    this.output.indented(work);
  }
}

function hasAppendWork({ appendWork }: SimulatedNode): boolean {
  return appendWork.length > 0;
}

function hasApplyWork({ applyWork }: SimulatedNode): boolean {
  return applyWork.length > 0;
}
