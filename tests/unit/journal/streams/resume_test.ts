import assert from "node:assert/strict";
import fc from "fast-check";
import type { Entry, Scope } from "../../../../common/model/mod.ts";
import type { Applied } from "../../../../journal/replica/mod.ts";
import { emptyTables } from "../../../../journal/state/mod.ts";
import {
  createHub,
  follow,
  type FollowContext,
  type Interest,
} from "../../../../journal/streams/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { append, commit, SCOPES, TestState } from "../../../support/journal/mod.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A state that tells of its changes like a replica, and can take some of them over by snapshot. */
class Source {
  readonly state = new TestState();
  readonly context: FollowContext;
  readonly #listeners = new Set<(applied: Applied) => void>();

  constructor() {
    const { store } = this.state;
    const hub = createHub({
      state: store,
      onApplied: (listener) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
    });
    this.context = {
      hub,
      clock: new VirtualClock(),
      replica: {
        state: store,
        get appliedSequence() {
          return store.nextSequence - 1;
        },
        async *entries(query = {}) {
          for (const page of store.entryPages(query)) {
            yield* page;
            await turn();
          }
        },
      },
    };
  }

  write(scope: Scope): void {
    const outcome = this.state.outcome(commit(scope, { a: "1" }));
    assert.ok(outcome.kind === "applied");
    this.#tell(outcome.entries, false);
  }

  /** Entries that this member got with a snapshot instead of one by one. */
  writeBySnapshot(scopes: readonly Scope[]): void {
    for (const scope of scopes) this.state.send(append({ scope }));
    this.#tell([], true);
  }

  #tell(entries: readonly Entry[], restored: boolean): void {
    const { index } = this.state.store.applied;
    for (const listener of this.#listeners) {
      listener({ index, entries, writes: emptyTables(), restored });
    }
  }
}

/** An agent that reads at its own pace and comes back where it was after every cut. */
class Reader {
  readonly seen: number[] = [];
  #stop = new AbortController();
  #reading: Promise<void>;

  constructor(
    private readonly source: Source,
    private readonly interest: Interest,
    private readonly pace: number,
    private readonly from: number,
  ) {
    this.#reading = this.#read();
  }

  async cut(): Promise<void> {
    await this.end();
    this.#stop = new AbortController();
    this.#reading = this.#read();
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#reading;
  }

  async #read(): Promise<void> {
    const from = this.seen.length === 0 ? this.from : (this.seen.at(-1) ?? 0) + 1;
    for await (
      const delivery of follow(this.source.context, this.interest, from, this.#stop.signal)
    ) {
      if (delivery.kind !== "progress") this.seen.push(delivery.entry.sequence);
      for (let turns = 0; turns < this.pace; turns++) await turn();
    }
  }
}

const scope = fc.constantFrom(...SCOPES);

type Step =
  | { readonly kind: "write"; readonly scopes: readonly Scope[] }
  | { readonly kind: "snapshot"; readonly scopes: readonly Scope[] }
  | { readonly kind: "cut"; readonly reader: number }
  | { readonly kind: "wait"; readonly turns: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.array(scope, { maxLength: 8 }).map((scopes) => ({
      kind: "write" as const,
      scopes,
    })),
  },
  fc.array(scope, { maxLength: 300 }).map((scopes) => ({ kind: "snapshot" as const, scopes })),
  { weight: 2, arbitrary: fc.nat(2).map((reader) => ({ kind: "cut" as const, reader })) },
  { weight: 2, arbitrary: fc.nat(4).map((turns) => ({ kind: "wait" as const, turns })) },
);

const own = { withMemberNodes: false, everything: false };

Deno.test("SUB-1, SUB-2: across cuts, reconnects and snapshots every stream sees each relevant entry once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.nat(3), async (steps, pace) => {
      const source = new Source();
      for (const early of SCOPES) source.write(early);
      const interests: readonly [Interest, from: number, (entry: Entry) => boolean][] = [
        [{ ...own, nodeId: "n1", vclusterId: "ml" }, 0, isFor("ml", "n1")],
        [{ ...own, nodeId: "n2", vclusterId: "sim" }, 3, isFor("sim", "n2")],
        [{ withMemberNodes: true, everything: true }, 0, () => true],
      ];
      const readers = interests.map(([interest, from]) => new Reader(source, interest, pace, from));
      for (const each of steps) await perform(each, source, readers);
      const entries = source.state.entries();
      for (const [at, [, from, isRelevant]] of interests.entries()) {
        const expected = entries.filter((entry) => entry.sequence >= from && isRelevant(entry))
          .map(({ sequence }) => sequence);
        const reader = readers[at];
        for (let turns = 0; turns < 20_000 && reader?.seen.length !== expected.length; turns++) {
          await turn();
        }
        assert.deepEqual(reader?.seen, expected);
      }
      for (const reader of readers) await reader.end();
      assert.equal(source.context.hub.size, 0);
      source.state[Symbol.dispose]();
    }),
    { numRuns: 60 },
  );
});

Deno.test("ACC-5: from 5 with entries 5, 6 and 7 present, these come first, then what is written", async () => {
  const source = new Source();
  for (let sequence = 0; sequence < 8; sequence++) source.write({ VCluster: "ml" });
  const reader = new Reader(source, { ...own, vclusterId: "ml" }, 0, 5);
  source.write({ VCluster: "sim" });
  source.write({ VCluster: "ml" });
  for (let turns = 0; turns < 100 && reader.seen.length < 4; turns++) await turn();
  assert.deepEqual(reader.seen, [5, 6, 7, 9]);
  await reader.end();
  source.state[Symbol.dispose]();
});

async function perform(step: Step, source: Source, readers: readonly Reader[]): Promise<void> {
  switch (step.kind) {
    case "write":
      return step.scopes.forEach((scope) => source.write(scope));
    case "snapshot":
      return source.writeBySnapshot(step.scopes);
    case "cut":
      return await readers[step.reader]?.cut();
    case "wait":
      for (let turns = 0; turns < step.turns; turns++) await turn();
  }
}

function isFor(vcluster: string, node: string): (entry: Entry) => boolean {
  return ({ scope }) =>
    scope === "Global" || ("Node" in scope ? scope.Node === node : scope.VCluster === vcluster);
}
