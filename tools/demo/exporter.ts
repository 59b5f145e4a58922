/**
 * A health endpoint, run by the tour as a service of every node: `exporter.ts PORT`. The nodes of the
 * tour share one machine, and so this port.
 */
const port = Number(Deno.args[0]);

Deno.serve({ hostname: "127.0.0.1", port, reusePort: true }, () => new Response("healthy\n"));
