import type { Chapter } from "../tour.ts";

/**
 * Edits managed files by hand on both nodes. One change is committed; the other is rolled back when
 * its commit window ends, which is shorter because the drift is larger.
 */
export const drift: Chapter = {
  title: "Edits by hand: keep one, let the other go",
  async walk(tour) {
    await tour.shell("echo 'Maintenance on Friday.' >> node-1/etc/motd");
    await tour.shell("echo 'who needs a motd' > node-2/etc/motd; rm node-2/etc/chrony.conf");
    await tour.pactUntil("ben", ["status"], {
      shows: [/node-1 .*DRIFTED .*window \d/, /node-2 .*DRIFTED .*window \d/],
    });
    await tour.pact("ben", ["diff", "node-1"], { shows: [/~ files: .*\/etc\/motd/] });
    await tour.pact("ben", ["diff", "node-2"], {
      shows: [/files: .*\/etc\/motd/, /files: .*\/etc\/chrony\.conf/],
    });

    tour.tell("On node-1 the change was meant.");
    await tour.pact("ben", ["commit", "--node", "node-1", "-m", "announce the maintenance"], {
      shows: [/Committed \(seq:\d+\) on node: node-1/],
    });
    await tour.pactUntil("ben", ["status", "node-1"], { shows: [/State: COMMITTED/] });
    await tour.shell("cat node-1/etc/motd", { shows: [/Maintenance on Friday/] });

    tour.tell("On node-2 nobody commits: when the window ends, the node takes it back.");
    await tour.pactUntil("ben", ["status"], { shows: [/node-2 .*COMMITTED/], hides: [/DRIFTED/] });
    await tour.shell("cat node-2/etc/motd node-2/etc/chrony.conf", {
      shows: [/^Welcome to demo\.$/m, /^server time-1/m],
      hides: [/who needs/],
    });
  },
};
