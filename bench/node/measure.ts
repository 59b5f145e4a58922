import { type Lab, openLab, type Profile } from "../../tests/node/harness/mod.ts";
import { SPEC, SYSTEMD_WORDS, UNITS } from "./services.ts";

/** What was seen of one boot; times in ms. */
export interface Boot {
  /** From the kernel's start to the node's first program. */
  readonly firstMs: number;
  /** To when each service could be used, and to the last of them. */
  readonly upMs: Readonly<Record<string, number>>;
  readonly allUpMs: number;
  /** Most memory in use until then, the kernel's included, in KiB. */
  readonly peakKib: number;
  /** Memory of the init system's processes 5 s later, in KiB (PSS). */
  readonly pssKib: Readonly<Record<string, number>>;
  /** The part of it that is no file's: what would not be given back for other uses. */
  readonly ownKib: Readonly<Record<string, number>>;
  /** From the death of a service to the next of its name. */
  readonly restartMs: readonly number[];
}

const OBSERVER = new URL("./observe", import.meta.url);
const OBSERVER_PLACE = "usr/local/bin/observe";
const OBSERVE_LIMIT_MS = 180_000;

/** Boots one node from its kernel with `profile` and looks on. */
export async function measureBoot(profile: Profile): Promise<Boot> {
  await using lab = await openLab({ profile });
  await prepare(lab);
  const node = await lab.startNode("node-1", {
    fromPowerOn: true,
    files: {
      [OBSERVER_PLACE]: await Deno.readTextFile(OBSERVER),
      ...(profile === "systemd" ? UNITS : {}),
    },
    kernelWords: [
      `pact.console=/${OBSERVER_PLACE}`,
      ...(profile === "systemd" ? SYSTEMD_WORDS : []),
    ],
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
  const lines = seen.split("\n").map((line) => line.split(" "));
  const all = (key: string) => lines.filter(([first]) => first === key);
  const ms = (text: string | undefined) => Math.round(Number(text) * 1000);
  const pssKib: Record<string, number> = {};
  const ownKib: Record<string, number> = {};
  for (const [, name = "", pss, own] of all("pss")) {
    pssKib[name] = (pssKib[name] ?? 0) + Number(pss);
    ownKib[name] = (ownKib[name] ?? 0) + Number(own);
  }
  return {
    firstMs: ms(all("first")[0]?.[2]),
    upMs: Object.fromEntries(all("up").map(([, name = "", at]) => [name, ms(at)])),
    allUpMs: ms(all("all")[0]?.[1]),
    peakKib: Number(all("peak")[0]?.[1]),
    pssKib,
    ownKib,
    restartMs: all("restart").map(([, , from, to]) => ms(to) - ms(from)),
  };
}
