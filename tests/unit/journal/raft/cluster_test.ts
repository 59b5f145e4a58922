import assert from "node:assert/strict";
import fc from "fast-check";
import { runs } from "../../../support/mod.ts";
import { type ClusterOptions, RandomCluster } from "./random_cluster.ts";

const STEPS = 4000;

/** Runs clusters from seeds; every rule of safety is checked as they run. */
function runClusters(
  options: Partial<Omit<ClusterOptions, "seed">>,
  heals = true,
): void {
  const numRuns = runs(30, 240);
  let committed = 0;
  let terms = 0;
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const cluster = new RandomCluster({ ...PLAIN, ...options, seed });
      cluster.run(STEPS);
      if (heals) cluster.settle();
      committed += cluster.committed;
      terms += cluster.terms;
    }),
    // The same runs each time: a gate is no place to explore.
    { numRuns, seed: 1, endOnFailure: true },
  );
  assert.ok(committed > numRuns * 3, `little was committed: ${committed}`);
  assert.ok(terms > numRuns, `few elections were won: ${terms}`);
}

const PLAIN: Omit<ClusterOptions, "seed"> = {
  size: 3,
  voters: 3,
  changesMembership: false,
  asyncStorageWrites: false,
  quietCommits: false,
  stepDownOnRemoval: false,
};
const CHANGING = { size: 5, changesMembership: true };

Deno.test("one leader a term, one history, and agreement once the network heals", () => {
  runClusters({});
});

Deno.test("the same while storage threads lag behind and a crash loses their work", () => {
  runClusters({ asyncStorageWrites: true });
});

Deno.test("the same while nobody answers what only tells a commit", () => {
  runClusters({ quietCommits: true });
  runClusters({ ...CHANGING, voters: 5, asyncStorageWrites: true, quietCommits: true });
});

Deno.test("the same while members come, go and become learners", () => {
  runClusters(CHANGING);
});

Deno.test("the same with five members, changes and storage threads at once", () => {
  runClusters({ ...CHANGING, voters: 5, asyncStorageWrites: true });
});

Deno.test("one leader a term and one history also where removed leaders step down at once", () => {
  runClusters({ ...CHANGING, stepDownOnRemoval: true }, false);
});
