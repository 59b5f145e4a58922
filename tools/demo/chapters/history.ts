import type { Chapter } from "../tour.ts";

/** Reads in the log who did what. */
export const history: Chapter = {
  title: "Who did what",
  async walk(tour) {
    const types = ["NODE_ENROLLED", "POLICY_UPDATE", "COMMIT", "DRIFT_DETECTED", "ROLLBACK"];
    await tour.pact("ana", ["log", "-n", "20", ...types.flatMap((type) => ["--type", type])], {
      shows: [
        /NODE_ENROLLED +node:node-1 +by ana/,
        /POLICY_UPDATE +vc:demo +by ana/,
        /COMMIT +vc:demo +by ana +\[first light\]/,
        /DRIFT_DETECTED +node:node-2/,
        /COMMIT +node:node-1 +by ben +\[announce the maintenance\]/,
        /ROLLBACK +node:node-2 .*commit window expired/,
      ],
    });
  },
};
