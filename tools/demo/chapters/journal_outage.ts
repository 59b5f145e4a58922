import { startJournal } from "../start_journal.ts";
import type { Chapter } from "../tour.ts";

/** Stops the journal; nodes go on and catch up when it is back. */
export const journalOutage: Chapter = {
  title: "The journal stops; the nodes do not",
  async walk(tour) {
    const { site } = tour;
    const { pid } = site.running("journal");
    const { code } = await site.stop("journal");
    tour.show(`$ kill ${pid}`, `pact-journal ended with status ${code}`);
    await tour.pact("ben", ["status"], { exitCode: 5 });
    await tour.pact("ben", ["exec", "node-1", "--", "uname", "-s"], { shows: [/^Linux$/m] });
    await tour.pact("ben", ["service", "status", "--node", "node-1"], {
      shows: [/collector +Running/i],
    });

    await startJournal(tour);
    await tour.pactUntil("ben", ["log", "--type", "EXEC", "-n", "3"], {
      shows: [/EXEC +node:node-1 +by ben +\[uname -s/],
    });
    await tour.pactUntil("ben", ["status"], {
      shows: [/node-1 .*COMMITTED/, /node-2 .*COMMITTED/],
      hides: [/not live/],
    });
  },
};
