/**
 * Task `demo`: a tour of pact on real parts. It starts a journal and two agents below a temporary
 * directory, walks the chapters, and leaves nothing behind; `--keep` leaves the cluster running until
 * Ctrl-C. Exit 1 as soon as a step does not turn out as told.
 */
import { openSite } from "../tests/support/site/mod.ts";
import { CHAPTERS } from "./demo/chapters.ts";
import { keepRunning } from "./demo/keep.ts";
import { prepare } from "./demo/prepare.ts";
import { Tour } from "./demo/tour.ts";

const USAGE = "usage: deno task demo [--keep]";

async function main(args: readonly string[]): Promise<number> {
  if (args.some((word) => word !== "--keep")) {
    console.error(USAGE);
    return 1;
  }
  const stop = Promise.withResolvers<"stopped">();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => stop.resolve("stopped"));
  }
  await prepare();
  await using site = await openSite({ prefix: "pact-demo-" });
  const tour = new Tour(site);
  try {
    const outcome = await Promise.race([walk(tour), stop.promise]);
    if (outcome === "stopped") return 130;
    tour.farewell();
    if (args.includes("--keep")) await keepRunning(site, stop.promise);
    return 0;
  } catch (error) {
    console.error(`\n${site.logs()}\n\nThe tour failed: ${messageOf(error)}`);
    return 1;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function walk(tour: Tour): Promise<void> {
  for (const [index, chapter] of CHAPTERS.entries()) {
    tour.heading(`${index + 1}. ${chapter.title}`);
    await chapter.walk(tour);
  }
}

try {
  Deno.exit(await main(Deno.args));
} catch (error) {
  console.error(messageOf(error));
  Deno.exit(1);
}
