import { ownLane } from "./lane.ts";

/** Ports that were given out: whoever got one may not have bound it yet. */
const given = new Set<number>();

const ATTEMPTS = 100;

/**
 * Below the range from which Linux gives ports to connections and to listeners on port 0
 * (ip_local_port_range), so that none of them takes what was given out and is not bound yet.
 */
const FIRST = 10_000;
const COUNT = 22_000;

/** Above them, for who keeps its port from run to run. */
const LASTING = { first: FIRST + COUNT, count: 700 } as const;

/**
 * A TCP port of the loopback interface that was free a moment ago, each time another one. For
 * programs that must be told their port; whoever can should listen on port 0 instead.
 */
export function freePort(): number {
  // Each lane has its share: what a test has stopped and starts again on its port stays its own.
  const { index, count: lanes } = ownLane() ?? { index: 0, count: 1 };
  const share = Math.floor(COUNT / lanes);
  return freePortOf(FIRST + index * share, share);
}

/** As {@link freePort}, and never one that `freePort` gives out, in whatever process. */
export function lastingPort(): number {
  return freePortOf(LASTING.first, LASTING.count);
}

function freePortOf(first: number, count: number): number {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = first + Math.floor(Math.random() * count);
    if (given.has(port) || !isFree(port)) continue;
    given.add(port);
    return port;
  }
  throw new Error("no port is free that was not given out already");
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
