/**
 * The node image booted in QEMU with pact-init and with systemd as its first program, in alternation,
 * each starting the same five services: when the last of them can be used, what it takes of memory and
 * processor time, and how soon a killed one runs again, beside s6. pact's side enrols with a journal and
 * takes its configuration from there; systemd's reads its units. Then the least that the runtime can do
 * (bench/node/floor.ts), below which nothing in pact can bring it. PACT_ROUNDS=N boots each N times,
 * PACT_COUNTED=1 by a clock of instructions instead of the machine's.
 */
import { type Boot, measureBoot, measureFloor, type Memory } from "./node/mod.ts";

const ROUNDS = Number(Deno.env.get("PACT_ROUNDS") ?? 3);
const PROFILES = ["pact", "systemd"] as const;

console.error(`${ROUNDS} boots each (PACT_ROUNDS), half a minute or more a boot`);
const floorMs: number[] = [];
const boots: Record<(typeof PROFILES)[number], Boot[]> = { pact: [], systemd: [] };
for (let round = 1; round <= ROUNDS; round++) {
  for (const profile of PROFILES) {
    const boot = await measureBoot(profile);
    boots[profile].push(boot);
    console.error(`round ${round} of ${ROUNDS}: ${profile} ${JSON.stringify(boot)}`);
  }
  const floor = await measureFloor();
  floorMs.push(floor.allUpMs);
  console.error(`round ${round} of ${ROUNDS}: floor ${JSON.stringify(floor)}`);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function line(what: string, ours: number, peers: number): void {
  const ratio = (ours / peers).toFixed(2);
  console.log(
    `${what.padEnd(52)} ${ours.toFixed(0).padStart(8)} ${peers.toFixed(0).padStart(8)}  ${ratio}x`,
  );
}

function row(what: string, figure: (boot: Boot) => number): void {
  line(what, median(boots.pact.map(figure)), median(boots.systemd.map(figure)));
}

const sum = (boot: Boot, figure: (memory: Memory) => number) =>
  Object.values(boot.memory).reduce((total, memory) => total + figure(memory), 0);

console.log(`${`medians of ${ROUNDS} boots each`.padEnd(52)}     pact  systemd  ratio`);
row("kernel start to first program, ms", ({ firstMs }) => firstMs);
for (const name of Object.keys(boots.pact[0]?.upMs ?? {})) {
  row(`  to ${name} up, ms`, ({ upMs }) => upMs[name] ?? NaN);
}
row("kernel start to all five services up, ms", ({ allUpMs }) => allUpMs);
line(
  "  by the runtime with one request and five spawns",
  median(floorMs),
  median(boots.systemd.map(({ allUpMs }) => allUpMs)),
);
row("peak memory until then, KiB", ({ peakKib }) => peakKib);
row("init system's own processes, RSS, KiB", (boot) => sum(boot, ({ rssKib }) => rssKib));
row("init system's own processes, PSS, KiB", (boot) => sum(boot, ({ pssKib }) => pssKib));
row("  of these not backed by files, KiB", (boot) => sum(boot, ({ ownKib }) => ownKib));
row("their processor time in 10 s without work, ms", ({ idleCpuMs }) => idleCpuMs);
row("kill -9 of a service to its port open again, ms", ({ restartMs }) => median(restartMs));
const s6 = PROFILES.flatMap((profile) => boots[profile].flatMap(({ s6RestartMs }) => s6RestartMs));
console.log(`  the same under s6, ms: ${median(s6).toFixed(1)} (median of ${s6.length})`);
