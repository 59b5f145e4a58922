/**
 * Boot streams: a journal in a process of its own serves an overlay of 200 KB over mutual TLS, 500
 * nodes at a time, beside nginx serving the same compressed bytes to the same client, and beside the
 * runtime's bare HTTP/2 server doing so. Nodes come with a connection and a full handshake of their
 * own, as machines do that are switched on; and, for the cost of the streams alone, over connections
 * that are kept.
 */
import {
  buildStreamLoad,
  cpuMs,
  declaration,
  hasProgram,
  loadBoots,
  megabytes,
  openFleet,
  residentBytes,
  startBareServer,
  startNginx,
  watchMemory,
} from "./fleet/mod.ts";
import { alternate, type Contender, printRatios } from "./rounds.ts";

const NODES = 200;
const AT_ONCE = 500;
const [streams = 10_000, rounds = 3] = Deno.args.map(Number);

await buildStreamLoad();
await using fleet = await openFleet(NODES);
await fleet.commit(declaration());
const overlay = await fleet.compressedOverlay();
console.log(
  `overlay: ${overlay.length} bytes compressed, ${streams} streams, ${AT_ONCE} at a time`,
);

const { certificates } = fleet;
const caFile = fleet.site.caCert;
const counts = [`-streams=${streams}`, `-at-once=${AT_ONCE}`];
const targetOf = (address: string) => ({ address, caFile, certificates });
await using stack = new AsyncDisposableStack();
const bare = stack.use(await startBareServer(fleet, overlay));
const nginx = await hasProgram("nginx", "nginx")
  ? stack.use(await startNginx(fleet, overlay))
  : undefined;

/** The journal's streams, and downloads of the same bytes from the others; the last one is the peer. */
const servers = [
  { name: "journal", pid: fleet.journal.pid, address: fleet.journal.address, flags: [] },
  { name: "bare server", pid: bare.pid, address: bare.address, flags: ["-get=/overlay"] },
  ...(nginx === undefined
    ? []
    : [{ name: "nginx", pid: nginx.pid, address: nginx.address, flags: ["-get=/overlay"] }]),
];

function contenders(title: string, flags: readonly string[]): Contender[] {
  return servers.map((server) => ({
    name: `${server.name}, ${title}`,
    run: async () => {
      const beforeMs = cpuMs(server.pid);
      const load = await loadBoots(targetOf(server.address), [
        ...counts,
        ...flags,
        ...server.flags,
      ]);
      const cpuEachMs = (cpuMs(server.pid) - beforeMs) / load.streams;
      const rate = `${load.per_second.toFixed(0)}/s, p99 ${load.p99_ms.toFixed(0)} ms`;
      console.error(
        `  ${server.name}, ${title}: ${rate}, ${cpuEachMs.toFixed(2)} ms of processor each`,
      );
      return load.streams;
    },
  }));
}

/** Memory of the journal and of the bare server, which share the runtime. */
const watched = servers.slice(0, 2).map(({ name, pid }) => ({
  name,
  before: residentBytes(pid),
  memory: watchMemory(pid),
}));
try {
  for (
    const [title, flags] of [["a connection each", []], ["connections kept", ["-keep"]]] as const
  ) {
    printRatios(
      `boot streams, medians of ${rounds} rounds`,
      await alternate(contenders(title, flags), rounds),
    );
  }
} finally {
  for (const { name, before, memory } of watched) {
    const most = memory.stop();
    console.log(
      `memory of the ${name}: ${megabytes(before)} before, ${megabytes(most)} at most, growth ${
        megabytes(most - before)
      }`,
    );
  }
}
