import { type Lab, openLab, type Profile } from "../../tests/node/harness/mod.ts";
import {
  linesOf,
  millisecondsOf,
  OBSERVE_LIMIT_MS,
  readUp,
  type Up,
  withObserver,
} from "./observer.ts";
import { SPEC, SYSTEMD_WORDS, UNITS } from "./services.ts";

/** What was seen of one boot; times in ms, memory in KiB. */
export interface Boot extends Up {
  /** From the kernel's start to the node's first program. */
  readonly firstMs: number;
  /** Most memory in use until then, the kernel's included. */
  readonly peakKib: number;
  /** The init system's processes 5 s later, by name. */
  readonly memory: Readonly<Record<string, Memory>>;
  /** Processor time that they use in the 10 s after that. */
  readonly idleCpuMs: number;
  /** From `kill -9` of a service to when its port is open again, and the same under s6. */
  readonly restartMs: readonly number[];
  readonly s6RestartMs: readonly number[];
}

/** What processes hold. */
export interface Memory {
  readonly rssKib: number;
  readonly pssKib: number;
  /** The part of it that is no file's: what would not be given back for other uses. */
  readonly ownKib: number;
}

/** Boots one node from its kernel with `profile` and looks on. */
export async function measureBoot(profile: Profile): Promise<Boot> {
  await using lab = await openLab({ profile });
  await prepare(lab);
  const observer = await withObserver();
  const node = await lab.startNode("node-1", {
    fromPowerOn: true,
    files: { ...observer.files, ...(profile === "systemd" ? UNITS : {}) },
    kernelWords: [...observer.kernelWords, ...(profile === "systemd" ? SYSTEMD_WORDS : [])],
  });
  return read(await node.console.wrote(/^end\r?$/m, OBSERVE_LIMIT_MS));
}

/** The journal knows the node before it boots, as it does where nodes are enrolled by MAC address. */
async function prepare(lab: Lab): Promise<void> {
  await lab.apply(SPEC);
  await lab.pact("enroll", "node-1", "--hardware-id", lab.site.hardwareId("node-1"));
  await lab.pact("node", "assign", "node-1", "--vcluster", "demo");
}

function read(seen: string): Boot {
  const memory: Record<string, Memory> = {};
  for (const [, name = "", rss, pss, own] of linesOf(seen, "memory")) {
    const former = memory[name] ?? { rssKib: 0, pssKib: 0, ownKib: 0 };
    memory[name] = {
      rssKib: former.rssKib + Number(rss),
      pssKib: former.pssKib + Number(pss),
      ownKib: former.ownKib + Number(own),
    };
  }
  return {
    ...readUp(seen),
    firstMs: millisecondsOf(linesOf(seen, "first")[0]?.[2]),
    peakKib: Number(linesOf(seen, "peak")[0]?.[1]),
    memory,
    idleCpuMs: Number(linesOf(seen, "cpu")[0]?.[1]),
    restartMs: linesOf(seen, "restart").map(([, , took]) => Number(took)),
    s6RestartMs: linesOf(seen, "s6").map(([, , took]) => Number(took)),
  };
}
