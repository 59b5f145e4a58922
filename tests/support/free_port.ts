/**
 * A TCP port of the loopback interface that was free a moment ago. For programs that must be told
 * their port; whoever can should listen on port 0 instead.
 */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
