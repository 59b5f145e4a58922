/**
 * A site whose nodes run in QEMU: a real journal on this machine, people with tokens, and nodes that
 * reach it through QEMU's user network. It owns a directory of logs, the journal and the machines, and
 * ends with its scope. There are two at a time in a working copy, each in a place of its own.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { present } from "../../../common/wire/mod.ts";
import { freePort, type ProgramEnd, waitFor } from "../../support/mod.ts";
import { openSite, type Site } from "../../support/site/mod.ts";
import { buildNodeImage, IMAGE_CACHE, type KernelFlavour, type NodeImage } from "../image/mod.ts";
import { type Authority, openAuthority } from "./authority.ts";
import { bootMachine } from "./boot.ts";
import { GuestNode } from "./guest_node.ts";
import { type MachineOptions, startMachine } from "./machine.ts";
import {
  HOST_FROM_GUEST,
  makeSiteArchive,
  type ObserverSettings,
  type Profile,
  type SiteFiles,
  type SiteOptions,
} from "./site_archive.ts";
import { nodeSnapshot } from "./snapshot.ts";
import { makeStateDisk } from "./state_disk.ts";

/** How a lab is opened. */
export interface LabOptions {
  readonly profile: Profile;
}

/** How a node is started. */
export interface NodeOptions extends SiteOptions {
  /** Boots it from its kernel instead of going on from a snapshot. */
  readonly fromPowerOn?: boolean;
  /** Which of Debian's kernels it boots; only with `fromPowerOn`. */
  readonly kernel?: KernelFlavour;
  /** QEMU devices beside the usual ones; only with `fromPowerOn`. */
  readonly devices?: readonly string[];
  /** Words for the kernel's command line; only with `fromPowerOn`. */
  readonly kernelWords?: readonly string[];
  /** Words for the network in place of what a netboot leaves; only with `fromPowerOn`. */
  readonly networkWords?: readonly string[];
  /** Files that the site lays over the image; only with `fromPowerOn`. */
  readonly files?: SiteFiles;
  /** Settings of the agent's observer; only with `fromPowerOn`. */
  readonly observer?: ObserverSettings;
  /** Keeps /var/lib/pact on a disk, which outlives cuts of the power; only with `fromPowerOn`. */
  readonly withStateDisk?: boolean;
  /** Where its hardware clock begins, in UTC without a zone; only with `fromPowerOn`. */
  readonly hardwareClock?: string;
}

/** The person who asks for everything: a platform admin. */
export const ADMIN = "ana";

const FIRST_PROGRAMS: Readonly<Record<Profile, string>> = {
  pact: "/usr/lib/pact/pact-init",
  systemd: "/sbin/init",
};

/** The network that a netboot leaves behind; systemd makes its own. */
const NETBOOT_WORDS: Readonly<Record<Profile, readonly string[]>> = {
  pact: ["ip=10.0.2.15::10.0.2.2:255.255.255.0::eth0:off"],
  systemd: [],
};

const PACT_LIMIT_MS = 60_000;
const ASK_AGAIN_MS = 700;

/** Opens a lab with a running journal and no nodes. */
export async function openLab({ profile }: LabOptions): Promise<Lab> {
  const image = await buildNodeImage(sayStep);
  const place = await takePlace();
  const directory = await Deno.makeTempDir({ prefix: "pact-lab-" });
  try {
    const authority = await openAuthority(place.number);
    const site = await openLabSite(authority);
    return new Lab(profile, image, authority, site, directory, place);
  } catch (error) {
    place.lock.close();
    throw error;
  }
}

/** See {@link openLab}. */
export class Lab implements AsyncDisposable {
  readonly #nodes = new Map<string, GuestNode>();

  constructor(
    readonly profile: Profile,
    private readonly image: NodeImage,
    private readonly authority: Authority,
    readonly site: Site,
    readonly directory: string,
    private readonly place: Place,
  ) {}

  /** Starts a node, whose journal does not know it yet. */
  async startNode(nodeId: string, options: NodeOptions = {}): Promise<GuestNode> {
    const hardwareId = this.site.hardwareId(nodeId);
    const directory = join(this.directory, nodeId);
    await Deno.mkdir(directory, { recursive: true });
    const siteArchive = join(directory, "site.cpio");
    const siteText = await makeSiteArchive(this.authority, options, siteArchive);
    const { kernel = "cloud", devices = [] } = options;
    const machine: MachineOptions = {
      image: kernel === "cloud" ? this.image : await buildNodeImage(sayStep, kernel),
      devices,
      directory,
      siteArchive,
      kernelWords: [
        `init=${FIRST_PROGRAMS[this.profile]}`,
        `hostname=${nodeId}`,
        ...options.networkWords ?? NETBOOT_WORDS[this.profile],
        // A virtual machine has no other watchdog, unless it is given one.
        ...(this.profile === "pact" && devices.length === 0 ? ["pact.modules=softdog"] : []),
        ...options.kernelWords ?? [],
      ],
      macAddress: hardwareId.slice("mac:".length),
      agentPort: freePort(),
      ...present("hardwareClock", options.hardwareClock),
      ...options.withStateDisk === true && { stateDisk: await makeStateDisk(directory) },
    };
    const node = options.fromPowerOn === true
      ? new GuestNode(nodeId, hardwareId, await bootMachine(machine))
      : await this.#fromSnapshot(nodeId, hardwareId, machine, siteText);
    this.#nodes.set(nodeId, node);
    await this.site.addAgent(nodeId, `127.0.0.1:${machine.agentPort}`);
    return node;
  }

  /** Enrols a node in the site's vCluster and waits until it is as declared. */
  async enrol({ nodeId, hardwareId }: GuestNode): Promise<void> {
    await this.pact("enroll", nodeId, "--hardware-id", hardwareId);
    await this.pact("node", "assign", nodeId, "--vcluster", "demo");
    await this.until(["status"], new RegExp(`${nodeId} .*COMMITTED`));
  }

  /** Declares what the nodes of the site's vCluster are to be, as the text of a spec. */
  async apply(spec: string): Promise<void> {
    const path = join(this.site.directory, "spec.toml");
    await Deno.writeTextFile(path, spec);
    await this.pact("apply", path);
  }

  /** Runs `pact` as an admin; it has to succeed. Answers what it printed. */
  async pact(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tryPact(...args);
    if (code !== 0) {
      throw new Error(`pact ${args.join(" ")} ended with ${code}: ${stdout}${stderr}`);
    }
    return stdout;
  }

  /** Runs `pact` as an admin, however it ends. */
  async tryPact(...args: string[]): Promise<ProgramEnd> {
    return await this.site.pact(ADMIN, args, PACT_LIMIT_MS);
  }

  /** Asks until the answer is as wanted, and returns it. */
  async until(args: string[], wanted: RegExp, timeoutMs = PACT_LIMIT_MS): Promise<string> {
    let last = "";
    return await waitFor(async () => {
      const { stdout, stderr } = await this.tryPact(...args);
      last = stdout + stderr;
      if (wanted.test(last)) return last;
      await delay(ASK_AGAIN_MS); // The node needs the processors more than the command line does.
      return false;
    }, { timeoutMs, what: `${wanted} of pact ${args.join(" ")}` })
      .catch((error) => {
        throw new Error(`${error instanceof Error ? error.message : error}; last: ${last}`);
      });
  }

  /** Copies every log to `target`, for a failure that needs explaining. */
  async keepLogs(target: string): Promise<void> {
    await Deno.mkdir(target, { recursive: true });
    await Deno.writeTextFile(join(target, "journal.log"), this.site.logs());
    for (const nodeId of this.#nodes.keys()) {
      for (const name of ["serial.log", "qemu.log", "boot/serial.log"]) {
        await Deno.copyFile(
          join(this.directory, nodeId, name),
          join(target, `${nodeId}-${name.replace("/", "-")}`),
        ).catch(() => {}); // There was nothing to log yet.
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { machine } of this.#nodes.values()) await machine.stop();
    await this.site[Symbol.asyncDispose]();
    await Deno.remove(this.directory, { recursive: true });
    this.place.lock.close();
  }

  async #fromSnapshot(
    nodeId: string,
    hardwareId: string,
    machine: MachineOptions,
    siteText: string,
  ): Promise<GuestNode> {
    const incoming = await nodeSnapshot({
      name: `${this.profile}-${nodeId}-${this.place.number}`,
      machine,
      siteText,
    });
    const started = await startMachine({ ...machine, incoming });
    await started.resume();
    const node = new GuestNode(nodeId, hardwareId, started);
    // What is written while the line comes to life again may be lost.
    await node.console.answers();
    await node.setClock();
    return node;
  }
}

function sayStep(step: string): void {
  console.error(`node image: ${step}`);
}

async function openLabSite({ journalPort, ...files }: Authority): Promise<Site> {
  const site = await openSite({
    prefix: "pact-lab-site-",
    authority: {
      ...files,
      listen: `127.0.0.1:${journalPort}`,
      hosts: [HOST_FROM_GUEST, "127.0.0.1", "localhost"],
      activeLockSeconds: 1,
    },
  });
  try {
    await site.addPerson({ name: ADMIN, role: "pact-platform-admin" });
    await site.startJournal();
    return site;
  } catch (error) {
    await site[Symbol.asyncDispose]();
    throw error;
  }
}

/** Nodes in snapshots know one port of a journal: two labs in one place would get in each other's way. */
interface Place {
  readonly number: number;
  /** Held while a lab is there. */
  readonly lock: Deno.FsFile;
}

const PLACES = 2;

/** The first free place, or one of them once it is free. */
async function takePlace(): Promise<Place> {
  await Deno.mkdir(IMAGE_CACHE, { recursive: true });
  for (let number = 0; number < PLACES; number++) {
    const lock = await openLock(number);
    if (await lock.tryLock(true)) return { number, lock };
    lock.close();
  }
  const number = Math.floor(Math.random() * PLACES);
  const lock = await openLock(number);
  await lock.lock(true);
  return { number, lock };
}

async function openLock(place: number): Promise<Deno.FsFile> {
  return await Deno.open(join(IMAGE_CACHE, `lock-${place}`), { create: true, write: true });
}
