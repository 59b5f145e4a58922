/**
 * The node image booted in QEMU with pact-init and with systemd as its first program, in alternation,
 * each starting the same five services: when the last of them can be used, what it takes of memory, and
 * how soon a killed one runs again. pact's side enrols with a journal and takes its configuration from
 * there; systemd's reads its units.
 */
import { type Boot, measureBoot } from "./node/mod.ts";

const ROUNDS = Number(Deno.env.get("PACT_ROUNDS") ?? 3);
const PROFILES = ["pact", "systemd"] as const;

const boots: Record<(typeof PROFILES)[number], Boot[]> = { pact: [], systemd: [] };
for (let round = 1; round <= ROUNDS; round++) {
  for (const profile of PROFILES) {
    const boot = await measureBoot(profile);
    boots[profile].push(boot);
    console.error(`round ${round} of ${ROUNDS}: ${profile} ${JSON.stringify(boot)}`);
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function row(what: string, figure: (boot: Boot) => number): void {
  const [ours, peers] = [median(boots.pact.map(figure)), median(boots.systemd.map(figure))];
  const ratio = (ours / peers).toFixed(2);
  console.log(
    `${what.padEnd(48)} ${ours.toFixed(0).padStart(8)} ${peers.toFixed(0).padStart(8)}  ${ratio}x`,
  );
}

const sum = (figures: Readonly<Record<string, number>>) =>
  Object.values(figures).reduce((total, figure) => total + figure, 0);

console.log(`${`medians of ${ROUNDS} boots each`.padEnd(48)}     pact  systemd  ratio`);
row("kernel start to first program, ms", ({ firstMs }) => firstMs);
for (const name of Object.keys(boots.pact[0]?.upMs ?? {})) {
  row(`  to ${name} up, ms`, ({ upMs }) => upMs[name] ?? NaN);
}
row("kernel start to all five services up, ms", ({ allUpMs }) => allUpMs);
row("peak memory until then, KiB", ({ peakKib }) => peakKib);
row("init system's own processes, KiB (PSS)", ({ pssKib }) => sum(pssKib));
row("  of these not backed by files, KiB", ({ ownKib }) => sum(ownKib));
row("kill -9 of a service to its next start, ms", ({ restartMs }) => median(restartMs));
