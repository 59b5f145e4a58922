/** Ports that were given out: whoever got one may not have bound it yet. */
const given = new Set<number>();

const ATTEMPTS = 100;

/**
 * A TCP port of the loopback interface that was free a moment ago, each time another one. For
 * programs that must be told their port; whoever can should listen on port 0 instead.
 */
export function freePort(): number {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
  throw new Error("no port is free that was not given out already");
}
