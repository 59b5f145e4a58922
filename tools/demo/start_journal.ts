import type { Tour } from "./tour.ts";

/** Starts the journal of the tour and shows the command that does so. */
export async function startJournal(tour: Tour): Promise<void> {
  const { address, pid } = await tour.site.startJournal();
  tour.show(
    "$ pact-journal --single-node --config journal/etc/pact/journal.toml &",
    `serving on ${address}, process ${pid}`,
  );
}
