import type { Chapter } from "../tour.ts";

/** Makes the committed change of one node the declaration of the whole vCluster. */
export const promoteChange: Chapter = {
  title: "What was good for one node becomes the vCluster's",
  async walk(tour) {
    await tour.pact("ana", ["diff", "node-1", "--committed"], {
      shows: [/Committed node deltas on node-1 \(1 total\)/, /motd/],
    });
    await tour.pact("ana", ["promote", "node-1", "--dry-run"], {
      shows: [/\[vcluster\.demo\.files/, /motd/],
    });
    await tour.pact("ana", ["promote", "node-1", "--apply"], { shows: [/seq/] });
    await tour.pactUntil("ana", ["diff", "node-1", "--committed"], {
      shows: [/\(no committed node deltas on node-1\)/],
    });
    await tour.pactUntil("ana", ["exec", "node-2", "--", "cat", motdOf(tour.site.directory)], {
      shows: [/Maintenance on Friday/],
    });
  },
};

function motdOf(directory: string): string {
  return `${directory}/node-2/etc/motd`;
}
