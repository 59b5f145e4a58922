import { fileURLToPath } from "node:url";
import { type Lab, openLab, type Profile } from "../../tests/node/harness/mod.ts";
import { run } from "../../tests/node/image/mod.ts";
import { SPEC, SYSTEMD_WORDS, UNITS } from "./services.ts";

/** What was seen of one boot; times in ms, memory in KiB. */
export interface Boot {
  /** From the kernel's start to the node's first program. */
  readonly firstMs: number;
  /** To when each service could be used, and to the last of them. */
  readonly upMs: Readonly<Record<string, number>>;
  readonly allUpMs: number;
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

const OBSERVER = fileURLToPath(new URL("./observer.c", import.meta.url));
const OBSERVER_PLACE = "usr/local/bin/observer";
const SCRIPT_PLACE = "usr/local/bin/observe";
const OBSERVE_LIMIT_MS = 220_000;

/** Boots one node from its kernel with `profile` and looks on. */
export async function measureBoot(profile: Profile): Promise<Boot> {
  await using lab = await openLab({ profile });
  await prepare(lab);
  const node = await lab.startNode("node-1", {
    fromPowerOn: true,
    files: {
      [OBSERVER_PLACE]: await buildObserver(),
      [SCRIPT_PLACE]: `exec /${OBSERVER_PLACE}\n`,
      ...(profile === "systemd" ? UNITS : {}),
    },
    kernelWords: [
      `pact.console=/${SCRIPT_PLACE}`,
      ...(profile === "systemd" ? SYSTEMD_WORDS : []),
    ],
  });
  return read(await node.console.wrote(/^end\r?$/m, OBSERVE_LIMIT_MS));
}

async function buildObserver(): Promise<Uint8Array> {
  const program = await Deno.makeTempFile();
  try {
    const flags = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O2", "-static"];
    await run(Deno.env.get("PACT_CC") ?? "cc", [...flags, "-o", program, OBSERVER]);
    return await Deno.readFile(program);
  } finally {
    await Deno.remove(program);
  }
}

/** The journal knows the node before it boots, as it does where nodes are enrolled by MAC address. */
async function prepare(lab: Lab): Promise<void> {
  await lab.apply(SPEC);
  await lab.pact("enroll", "node-1", "--hardware-id", lab.site.hardwareId("node-1"));
  await lab.pact("node", "assign", "node-1", "--vcluster", "demo");
}

function read(seen: string): Boot {
  const lines = seen.split("\n").map((line) => line.split(" "));
  const all = (key: string) => lines.filter(([first]) => first === key);
  const ms = (text: string | undefined) => Math.round(Number(text) * 1000);
  const memory: Record<string, Memory> = {};
  for (const [, name = "", rss, pss, own] of all("memory")) {
    const former = memory[name] ?? { rssKib: 0, pssKib: 0, ownKib: 0 };
    memory[name] = {
      rssKib: former.rssKib + Number(rss),
      pssKib: former.pssKib + Number(pss),
      ownKib: former.ownKib + Number(own),
    };
  }
  return {
    firstMs: ms(all("first")[0]?.[2]),
    upMs: Object.fromEntries(all("up").map(([, name = "", at]) => [name, ms(at)])),
    allUpMs: ms(all("all")[0]?.[1]),
    peakKib: Number(all("peak")[0]?.[1]),
    memory,
    idleCpuMs: Number(all("cpu")[0]?.[1]),
    restartMs: all("restart").map(([, , took]) => Number(took)),
    s6RestartMs: all("s6").map(([, , took]) => Number(took)),
  };
}
