/**
 * Clients of a quorum that note what they ask, when, and what they are answered: the history that
 * the checker of the simulator judges.
 */
import type { LogState } from "../../../journal/sim/linearizability/mod.ts";
import {
  APPEND_LOG,
  type AppendLogInput,
  type AppendLogOutput,
  checkLinearizability,
  type Operation,
  type Verdict,
} from "../../../journal/sim/linearizability/mod.ts";
import { callHeaders } from "../../../common/rpc/mod.ts";
import { entryOf, type QuorumSite } from "./quorum_site.ts";

type LogOperation = Operation<AppendLogInput, AppendLogOutput>;

/** How long one write is asked for, at one member after the other. */
const WRITE_LIMIT_MS = 180_000;
const CALL_LIMIT_MS = 8_000;
const PAUSE_MS = 50;
const SCOPE = "Global";

/** Clients that write and read until told to end. */
export class ObservedClients {
  readonly #operations: LogOperation[] = [];
  readonly #acknowledged = new Map<bigint, string>();

  constructor(
    private readonly site: QuorumSite,
    private readonly random: () => number,
  ) {}

  /** Writes that were acknowledged, by their sequence. */
  get acknowledged(): ReadonlyMap<bigint, string> {
    return this.#acknowledged;
  }

  /** Runs one client: each write under one request id until somebody takes it, then maybe a read. */
  async run(client: string, until: AbortSignal): Promise<void> {
    for (let count = 0; !until.aborted; count++) {
      await this.#write(client, `${client} message ${count}`);
      if (this.random() < 0.3) await this.#read(client);
    }
  }

  /** Whether one log could have shown all of this, with `log` at the end of it. */
  judge(log: ReadonlyMap<bigint, string>): Verdict<AppendLogInput, AppendLogOutput> {
    const own = new Set(
      this.#operations.map(({ input }) => input.kind === "append" ? input.request : ""),
    );
    const others = [...log].filter(([, message]) => !own.has(message)).map(
      ([sequence, message]): LogOperation => ({
        client: "journal",
        input: { kind: "append", request: message || `entry ${sequence}`, scope: SCOPE },
        calledAt: -Infinity,
        outcome: {
          kind: "returned",
          at: Infinity,
          output: { kind: "appended", sequence: Number(sequence) },
        },
      }),
    );
    return checkLinearizability<LogState, AppendLogInput, AppendLogOutput>(
      APPEND_LOG,
      [...this.#operations, ...others],
    );
  }

  async #write(client: string, message: string): Promise<void> {
    const headers = callHeaders({ requestId: message.replaceAll(" ", "-") });
    const calledAt = performance.now();
    const input = { kind: "append", request: message, scope: SCOPE } as const;
    let failure: unknown;
    while (performance.now() - calledAt < WRITE_LIMIT_MS) {
      try {
        using clients = await this.site.dial(this.#anyMember());
        const { sequence } = await clients.config.appendEntry(entryOf(message), {
          headers,
          timeoutMs: CALL_LIMIT_MS,
        });
        this.#note(client, input, calledAt, { kind: "appended", sequence: Number(sequence) });
        const before = this.#acknowledged.get(sequence);
        if (before !== undefined) {
          throw new Error(`sequence ${sequence} was given to '${before}' and '${message}'`);
        }
        this.#acknowledged.set(sequence, message);
        return;
      } catch (error) {
        failure = error;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
    throw new Error(`'${message}' was taken by nobody`, { cause: failure });
  }

  /** A linearizable read; one that fails shows nothing and is no part of the history. */
  async #read(client: string): Promise<void> {
    const options = {
      headers: callHeaders({ consistency: "linearizable" }),
      timeoutMs: CALL_LIMIT_MS,
    };
    const calledAt = performance.now();
    const known = [...this.#acknowledged.keys()];
    const sequence = known[Math.floor(this.random() * known.length)];
    try {
      using clients = await this.site.dial(this.#anyMember());
      if (sequence === undefined || this.random() < 0.5) {
        const { nextSequence } = await clients.fleet.getClusterStatus({}, options);
        this.#note(client, { kind: "next-sequence" }, calledAt, {
          kind: "next-sequence",
          sequence: Number(nextSequence),
        });
        return;
      }
      const { message } = await clients.config.getEntry({ sequence }, options);
      this.#note(client, { kind: "entry", sequence: Number(sequence) }, calledAt, {
        kind: "entry",
        request: message,
      });
    } catch {
      // The member was just killed, or has no quorum: nothing was shown.
    }
  }

  #note(client: string, input: AppendLogInput, calledAt: number, output: AppendLogOutput): void {
    const outcome = { kind: "returned", at: performance.now(), output } as const;
    this.#operations.push({ client, input, calledAt, outcome });
  }

  #anyMember(): number {
    const ids = this.site.runningIds;
    return ids[Math.floor(this.random() * ids.length)] ?? 1;
  }
}
