import type { Chapter } from "../tour.ts";

/** Reads in the log who did what. */
export const history: Chapter = {
  title: "Who did what",
  async walk(tour) {
    await tour.pact("ana", ["log", "-n", "25"], {
      shows: [
        /POLICY_UPDATE +vc:demo +by ana/,
        /COMMIT +vc:demo +by ana +\[first light\]/,
        /DRIFT_DETECTED +node:node-2/,
        /COMMIT +node:node-1 +by ben +\[announce the maintenance\]/,
        /ROLLBACK +node:node-2/,
      ],
    });
  },
};
