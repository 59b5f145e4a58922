import type { Chapter } from "../tour.ts";

/** Stops the journal; nodes go on and catch up when it is back. */
export const journalOutage: Chapter = {
  title: "The journal stops; the nodes do not",
  async walk(tour) {
    const { site } = tour;
    const { code } = await site.stop("journal");
    tour.show("$ systemctl stop pact-journal", `pact-journal ended with status ${code}`);
    await tour.pact("ben", ["status"], { exitCode: 5 });
    await tour.pact("ben", ["exec", "node-1", "--", "uname", "-s"], { shows: [/^Linux$/m] });
    await tour.pact("ben", ["service", "status", "--node", "node-1"], {
      shows: [/collector +Running/i],
    });

    const { address } = await site.startJournal();
    tour.show("$ systemctl start pact-journal", `serving on ${address}`);
    await tour.pactUntil("ben", ["log", "--type", "EXEC", "-n", "3"], {
      shows: [/EXEC +node:node-1 +by ben.*uname/],
    });
    await tour.pactUntil("ben", ["status"], {
      shows: [/node-1 .*COMMITTED/, /node-2 .*COMMITTED/],
      hides: [/not live/],
    });
  },
};
