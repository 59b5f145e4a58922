import { Background } from "./background.ts";
import { Client } from "./client.ts";
import { Cluster } from "./cluster.ts";
import { judge } from "./judge.ts";
import { drawPlan } from "./plan.ts";
import { membershipOf } from "../raft/mod.ts";
import { Random } from "./random.ts";
import type { Recorded } from "./recorded.ts";
import { FAITHFUL, type Seams } from "./seams.ts";
import { everyoneIn } from "./state_machine.ts";
import { Timeline } from "./timeline.ts";
import { Trace } from "./trace.ts";
import { Troubles } from "./troubles.ts";
import { Violation } from "./violation.ts";

/** One run of the simulator. */
export interface SimulationOptions {
  readonly seed: number;
  readonly members: number;
  /** Given every line of the event trace. */
  readonly onTrace?: (line: string) => void;
  /** Parts that do not hand on what they should. */
  readonly seams?: Partial<Seams>;
}

/** What came of a run. */
export interface SimulationReport {
  readonly seed: number;
  readonly operations: number;
  readonly answered: number;
  readonly entries: number;
  readonly terms: number;
  /** Of the whole event trace: equal for equal traces. */
  readonly traceChecksum: number;
  readonly traceLines: number;
  readonly failure: SimulationFailure | undefined;
}

/** What went wrong in a run. */
export interface SimulationFailure {
  readonly reason: string;
  /** The newest lines of the event trace. */
  readonly tail: readonly string[];
}

/** After this a healed cluster must have come to rest. */
const SETTLE_US = 120_000_000;

/** Runs a cluster, its clients and its troubles from one seed, and judges what came of it. */
export function simulate(options: SimulationOptions): SimulationReport {
  const run = new Run(options);
  try {
    run.play();
    return run.report(undefined);
  } catch (error) {
    return run.report(error instanceof Error ? error : new Error(String(error)));
  }
}

class Run {
  readonly #seed: number;
  readonly #timeline = new Timeline();
  readonly #trace: Trace;
  readonly #cluster: Cluster;
  readonly #clients: readonly Client[];
  readonly #troubles: Troubles;
  readonly #background: Background;
  readonly #history: Recorded[] = [];
  readonly #activeUs: number;

  constructor({ seed, members, onTrace, seams: changed }: SimulationOptions) {
    const random = new Random(seed);
    const plan = drawPlan(random.fork());
    const seams = { ...FAITHFUL, ...changed };
    const timeline = this.#timeline;
    this.#seed = seed;
    this.#activeUs = plan.activeUs;
    this.#trace = new Trace(() => timeline.nowUs, onTrace);
    this.#trace.note("world", `seed ${seed}, ${members} members, ${JSON.stringify(plan)}`);
    this.#cluster = new Cluster({
      plan,
      members,
      random: random.fork(),
      timeline,
      trace: this.#trace,
      seams,
    });
    this.#clients = Array.from({ length: plan.clients }, (_, at) =>
      new Client({
        name: `c${at + 1}`,
        cluster: this.#cluster,
        random: random.fork(),
        seams,
        thinkUs: plan.thinkUs,
        history: this.#history,
      }));
    this.#troubles = new Troubles(this.#cluster, random.fork(), plan);
    this.#background = new Background(this.#cluster, random.fork());
  }

  play(): void {
    this.#timeline.run(this.#activeUs);
    this.#troubles.end();
    this.#background.end();
    for (const client of this.#clients) client.stop();
    this.#timeline.run(this.#activeUs + SETTLE_US, () => this.#isSettled());
    if (!this.#isSettled()) throw new Violation("liveness", this.#unsettled());
    judge(this.#cluster, this.#history);
  }

  report(error: Error | undefined): SimulationReport {
    return {
      seed: this.#seed,
      operations: this.#history.length,
      answered: this.#history.filter(({ returned }) => returned !== undefined).length,
      entries: this.#cluster.watch.history.length,
      terms: this.#cluster.watch.leaders,
      traceChecksum: this.#trace.checksum,
      traceLines: this.#trace.lines,
      failure: error && { reason: error.message, tail: this.#trace.tail },
    };
  }

  #isSettled(): boolean {
    const { leader } = this.#cluster;
    if (leader === undefined || this.#clients.some(({ isIdle }) => !isIdle)) return false;
    const { configuration, commit } = leader.status();
    const membership = membershipOf(configuration);
    if (membership.votersOutgoing.length > 0 || !membership.voters.includes(leader.id)) {
      return false;
    }
    return everyoneIn(membership).every((id) => {
      const process = this.#cluster.processOf(id);
      return process !== undefined && process.isQuiet && process.state.appliedIndex === commit;
    });
  }

  #unsettled(): string {
    const states = this.#cluster.processes.map((process) => {
      const { id, role, term, commit, applied, leader, configuration } = process.status();
      const membership = JSON.stringify(membershipOf(configuration));
      return `member ${id}: ${role} of term ${term}, leader ${leader}, commit ${commit}, ` +
        `applied ${applied}, ${membership}`;
    });
    return `no rest after ${SETTLE_US / 1_000_000} s:\n${states.join("\n")}`;
  }
}
