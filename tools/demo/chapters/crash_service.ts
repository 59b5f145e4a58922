import type { Chapter } from "../tour.ts";
import { StepFailure } from "../tour.ts";

/** Kills a service behind the agent's back and sees it come back. */
export const crashService: Chapter = {
  title: "A service dies, and comes back",
  async walk(tour) {
    const before = await tour.pact("ben", status, { shows: [/scratch-keeper/] });
    const pid = pidOf(before);
    await tour.shell(`kill -9 ${pid}`);
    await tour.pactUntil("ben", status, {
      shows: [/scratch-keeper +Running +\d+ +\S+ +1\b/i],
      hides: [new RegExp(`Running +${pid} `, "i")],
    });
  },
};

const status = ["service", "status", "scratch-keeper", "--node", "node-1"];

function pidOf(table: string): string {
  const pid = /scratch-keeper +Running +(\d+)/i.exec(table)?.[1];
  if (pid === undefined) throw new StepFailure("scratch-keeper does not run on node-1");
  return pid;
}
