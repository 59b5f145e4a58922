import { askForFleet } from "../fleet_client.ts";
import type { Chapter } from "../tour.ts";
import { StepFailure } from "../tour.ts";

/** Asks for the fleet as an AI assistant would, through pact-mcp. */
export const fleetByMcp: Chapter = {
  title: "An AI assistant asks for the fleet",
  async walk(tour) {
    const answer = await askForFleet(tour.site);
    tour.show(`assistant> ${answer.tool} ${JSON.stringify(answer.input)}`, answer.text);
    for (const node of ["node-1", "node-2"]) {
      if (!answer.text.includes(node)) {
        throw new StepFailure(`expected ${answer.tool} to name ${node}, it said: ${answer.text}`);
      }
    }
  },
};
