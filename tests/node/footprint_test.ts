import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { isAsDeclared } from "./declared_node.ts";
import { type GuestNode, nodeTest } from "./harness/mod.ts";

/** So long the agent's processor time is looked at; nothing happens on the node meanwhile. */
const WINDOW_SECONDS = 20;
/** Of the size that pact has today, so that one that holds or does much more is noticed. */
const MAX_RSS_KIB = 160 * 1024;
const MAX_CPU_SHARE = 0.5;

interface Footprint {
  readonly rssKib: number;
  readonly pssKib: number;
  /** The part that is no file's. */
  readonly ownKib: number;
  /** Of one processor. */
  readonly cpuShare: number;
}

/** What the agent holds and uses in steady state, as the guest's kernel has it. */
async function footprint(node: GuestNode): Promise<Footprint> {
  const pid = await node.agent();
  const used = async () => {
    const { user, system, upSeconds } = await cpuOf(node, pid);
    return { ticks: user + system, upSeconds };
  };
  const before = await used();
  await delay(WINDOW_SECONDS * 1000);
  const after = await used();
  const rollup = await node.console.read(`cat /proc/${pid}/smaps_rollup`);
  const kib = (key: string) => Number(new RegExp(`^${key}: +(\\d+)`, "m").exec(rollup)?.[1]);
  const cpuSeconds = (after.ticks - before.ticks) / 100;
  return {
    rssKib: kib("Rss"),
    pssKib: kib("Pss"),
    ownKib: kib("Pss_Anon"),
    cpuShare: cpuSeconds / (after.upSeconds - before.upSeconds),
  };
}

async function cpuOf(node: GuestNode, pid: number) {
  const text = await node.console.read(`cat /proc/uptime /proc/${pid}/stat`);
  const [uptime = "", stat = ""] = text.split("\n");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return {
    upSeconds: Number(uptime.split(" ")[0]),
    user: Number(fields[11]),
    system: Number(fields[12]),
  };
}

function services(count: number): string {
  return Array.from({ length: count }, (_, index) => `
[vcluster.demo.services.idle-${index}]
binary = "/usr/bin/sleep"
args = ["86400"]
`).join("");
}

nodeTest(
  "demand 11: what the agent holds and uses, idle and with ten services, is measured and bounded",
  { profile: "pact" },
  async (lab) => {
    const node = await lab.startNode("node-1");
    for (const count of [1, 10]) {
      await lab.apply(services(count));
      if (count === 1) await lab.enrol(node);
      await isAsDeclared(lab, count);
      const { rssKib, pssKib, ownKib, cpuShare } = await footprint(node);
      console.log(
        `agent with ${count} of ${count} services: RSS ${rssKib} KiB, PSS ${pssKib} KiB, ` +
          `${ownKib} KiB of it no file's, ${(cpuShare * 100).toFixed(1)} % of a processor`,
      );
      assert.ok(rssKib < MAX_RSS_KIB, `the agent holds ${rssKib} KiB`);
      assert.ok(cpuShare < MAX_CPU_SHARE, `the agent uses ${cpuShare} of a processor`);
    }
  },
);
