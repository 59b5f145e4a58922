import type { Identity } from "../../common/model/mod.ts";
import type { NodeId } from "../raft/mod.ts";
import type { Cluster } from "./cluster.ts";
import type { SubmitReply } from "./client_desk.ts";
import type { Random } from "./random.ts";
import { type Ask, commandOf, type Recorded, type Told } from "./recorded.ts";
import type { Seams } from "./seams.ts";
import { Violation } from "./violation.ts";
import type { Reply } from "./waiters.ts";

/** How often a client tries before it gives up. */
const ATTEMPTS_MAX = 5;

const VCLUSTERS = ["ml", "hpc", "dev"];
const NODES = ["n1", "n2"];

type Write = Exclude<Ask, { kind: "read" }>;

/** What a client works with. */
export interface ClientOptions {
  readonly name: string;
  readonly cluster: Cluster;
  readonly random: Random;
  readonly seams: Seams;
  readonly thinkUs: number;
  /** Every client's operations, in one list. */
  readonly history: Recorded[];
}

/** A client that does one thing after the other, at any member, and tries again elsewhere. */
export class Client {
  readonly #options: ClientOptions;
  readonly #author: Identity;
  #requests = 0;
  #isStopped = false;
  #current: Recorded | undefined;
  /** Sequences it knows of, as an expected head or a parent. */
  #known = 0;
  #acknowledged: Write[] = [];

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#author = {
      principal: `${options.name}@site`,
      principal_type: "Human",
      role: "pact-admin",
    };
    this.#nextLater();
  }

  /** Whether nothing of this client is under way. */
  get isIdle(): boolean {
    return this.#current === undefined;
  }

  /** Ends what is under way and begins nothing more. */
  stop(): void {
    this.#isStopped = true;
  }

  #nextLater(): void {
    const { random, thinkUs, cluster } = this.#options;
    cluster.timeline.after(random.next() * thinkUs, () => {
      if (!this.#isStopped) this.#begin(this.#draw());
    });
  }

  #begin(ask: Ask): void {
    const { name, cluster, history } = this.#options;
    const recorded = { client: name, ask, calledAt: cluster.timeline.nowUs, returned: undefined };
    history.push(recorded);
    this.#current = recorded;
    this.#note(`asks ${JSON.stringify(ask)}`);
    this.#attempt(recorded, 1);
  }

  #draw(): Ask {
    const { random } = this.#options;
    const dice = random.below(100);
    if (dice < 45) return this.#append();
    if (dice < 60) {
      const request = this.#request();
      return { kind: "report", request, node: random.pick(NODES), value: request };
    }
    if (dice < 66 && this.#acknowledged.length > 0) return random.pick(this.#acknowledged);
    if (dice < 75) return { kind: "read", question: { kind: "next-sequence" } };
    if (dice < 85) {
      return { kind: "read", question: { kind: "entry", sequence: random.below(this.#known + 3) } };
    }
    return { kind: "read", question: { kind: "report", node: random.pick(NODES) } };
  }

  #append(): Ask {
    const { random } = this.#options;
    return {
      kind: "append",
      request: this.#request(),
      vcluster: random.pick(VCLUSTERS),
      expectedHead: random.chance(0.3) ? this.#known : undefined,
      parent: random.chance(0.2) ? this.#parent() : undefined,
    };
  }

  /** An entry that is there, or may be there soon. */
  #parent(): number {
    return this.#known + this.#options.random.below(3);
  }

  #request(): string {
    return `${this.#options.name}-${++this.#requests}`;
  }

  #attempt(recorded: Recorded, attempt: number): void {
    const { cluster, random } = this.#options;
    const isOver = () => recorded.returned !== undefined || this.#current !== recorded;
    if (isOver()) return;
    if (attempt > ATTEMPTS_MAX) return this.#giveUp(recorded);
    const retry = () => {
      if (!isOver()) this.#attempt(recorded, attempt + 1);
    };
    let isAnswered = false;
    const onReply = (told: Told | undefined) => {
      if (isAnswered) return;
      isAnswered = true;
      if (told === undefined) cluster.timeline.after(random.between(50_000, 500_000), retry);
      else if (!isOver()) this.#return(recorded, told);
    };
    const { id } = random.pick(cluster.machines);
    const answer = (told: Told | undefined) => cluster.network.sendOutside(() => onReply(told));
    cluster.network.sendOutside(() => this.#serve(id, recorded.ask, attempt, answer));
    cluster.timeline.after(random.between(1, 4) * 1_000_000, () => {
      if (isAnswered) return;
      isAnswered = true;
      retry();
    });
  }

  /** The member at the other end does what is asked. */
  #serve(id: NodeId, ask: Ask, attempt: number, answer: (told: Told | undefined) => void): void {
    const process = this.#options.cluster.processOf(id);
    if (process === undefined) return;
    if (ask.kind === "read") {
      process.readLinearizable(ask.question, (reply) => answer(toldByRead(reply)));
      return;
    }
    const requestId = this.#options.seams.requestId(ask.request, attempt);
    const command = commandOf(ask, this.#author);
    process.submit(command, { actor: this.#author, requestId }, (reply) => answer(toldBy(reply)));
  }

  #return(recorded: Recorded, told: Told): void {
    const { cluster, random } = this.#options;
    recorded.returned = { at: cluster.timeline.nowUs, told };
    this.#note(`is told ${JSON.stringify(told)}`);
    this.#current = undefined;
    const { ask } = recorded;
    if (told.kind === "appended") this.#known = Math.max(this.#known, told.sequence);
    if (told.kind === "conflict") this.#known = Math.max(this.#known, told.head);
    if (told.kind === "appended" && ask.kind === "append") {
      this.#acknowledged.push(ask);
      if (random.chance(0.3)) this.#readBack(ask, told.sequence);
    }
    this.#nextLater();
  }

  /** Whoever has written reads it at any member that it tells what it knows (JRN-59). */
  #readBack({ request }: Write, sequence: number): void {
    const { cluster, random } = this.#options;
    const process = cluster.processOf(random.pick(cluster.machines).id);
    process?.readAtLeast({ kind: "entry", sequence }, sequence, (reply) => {
      if (reply.kind === "unavailable" || reply.answer === request) return;
      throw new Violation(
        "JRN-59",
        `${request} was told sequence ${sequence} and reads ${reply.answer} there`,
      );
    });
  }

  #giveUp(recorded: Recorded): void {
    this.#note(`gives up ${JSON.stringify(recorded.ask)}`);
    this.#current = undefined;
    this.#nextLater();
  }

  #note(what: string): void {
    this.#options.cluster.trace.note(this.#options.name, what);
  }
}

function toldByRead(reply: Reply): Told | undefined {
  return reply.kind === "unavailable" ? undefined : reply;
}

function toldBy(reply: SubmitReply): Told | undefined {
  if (reply.kind === "unavailable") return undefined;
  if (reply.kind === "result") {
    const { result } = reply;
    if ("sequence" in result && result.sequence !== undefined) {
      return { kind: "appended", sequence: result.sequence };
    }
    throw new Violation("JRN-15", `a write is answered by ${JSON.stringify(result)}`);
  }
  const { message } = reply.rejection;
  const head = /^CONFLICT: expected sequence \d+, head is (\d+)$/.exec(message)?.[1];
  if (head !== undefined) return { kind: "conflict", head: Number(head) };
  if (message === "parent must precede entry") return { kind: "parent-refused" };
  throw new Violation("JRN-22", `a valid write is refused: ${message}`);
}
