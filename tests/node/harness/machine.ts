/**
 * One QEMU process. It owns the process, its sockets and its log files in `directory`, and ends by
 * `stop` or with its scope.
 */
import { join } from "node:path";
import { waitFor } from "../../support/mod.ts";
import type { NodeImage } from "../image/mod.ts";
import { connectConsole, type GuestConsole } from "./console.ts";
import { connectQmp, type Qmp } from "./qmp.ts";

/** What a machine is started with. */
export interface MachineOptions {
  readonly image: NodeImage;
  /** Where its logs and sockets are; the paths of sockets must stay short. */
  readonly directory: string;
  /** An archive that the initramfs lays over the image: the site's own files. */
  readonly siteArchive: string;
  /** Words of the kernel's command line beside {@link KERNEL_WORDS}. */
  readonly kernelWords: readonly string[];
  readonly macAddress: string;
  /** The host's port on loopback that leads to the agent. */
  readonly agentPort: number;
  /** A snapshot to go on from, not to run before `resume`. */
  readonly incoming?: string;
  /** An ext4 image to be mounted at /var/lib/pact. */
  readonly stateDisk?: string;
  /** QEMU devices beside the usual ones, such as `i6300esb`. */
  readonly devices?: readonly string[];
  /** Where its hardware clock begins at power on, such as `2015-01-01T00:00:00`; else it is right. */
  readonly hardwareClock?: string;
}

/** Memory of a node. */
const MEMORY_MIB = 768;
/** What the agent listens on in the guest. */
const AGENT_PORT = 9445;

/** What every boot has: the serial console, and less of what takes time under emulation. */
export const KERNEL_WORDS: readonly string[] = [
  "console=ttyS0",
  "quiet",
  "nokaslr",
  "mitigations=off",
  "apparmor=0",
  "lsm=",
  "cryptomgr.notests",
  "tsc=reliable",
  "no_timer_check",
  "rcupdate.rcu_expedited=1",
  "random.trust_cpu=on",
  "net.ifnames=0",
  "panic=-1",
  "pact.console",
];

const SOCKET_LIMIT_MS = 20_000;

/**
 * PACT_COUNTED=1 gives a node one processor and a clock that counts its instructions, 4 ns each: the
 * same boot takes the same time whatever else this machine does.
 */
const PROCESSORS = Deno.env.get("PACT_COUNTED") === "1"
  ? ["-accel", "tcg,thread=single", "-icount", "shift=2", "-smp", "1"]
  : ["-accel", "tcg,thread=multi", "-smp", "2"];

/** The machine that QEMU is: the arguments that are the same for every node. */
export const HARDWARE: readonly string[] = [
  ...PROCESSORS,
  ...["-M", "q35", "-cpu", "EPYC"],
  ...["-m", `${MEMORY_MIB}`, "-nodefaults", "-display", "none"],
];

function disk(name: string, file: string, isReadOnly: boolean): string[] {
  const options = `if=none,id=${name},file=${file},format=raw${isReadOnly ? ",readonly=on" : ""}`;
  return ["-drive", options, "-device", `virtio-blk-pci,drive=${name}`];
}

function argumentsOf(options: MachineOptions, initramfs: string): string[] {
  const { image, directory, kernelWords, macAddress, agentPort, incoming, stateDisk } = options;
  const line = (name: string, extra: string) => [
    "-chardev",
    `socket,id=${name},path=${join(directory, name)},server=on,wait=off${extra}`,
  ];
  return [
    ...HARDWARE,
    ...["-kernel", image.kernel, "-initrd", initramfs],
    ...["-append", [...KERNEL_WORDS, ...kernelWords].join(" ")],
    ...disk("base", image.base, true),
    ...disk("pact", image.pact, true),
    ...(stateDisk === undefined ? [] : disk("state", stateDisk, false)),
    ...["-netdev", `user,id=net,hostfwd=tcp:127.0.0.1:${agentPort}-:${AGENT_PORT}`],
    ...["-device", `virtio-net-pci,netdev=net,romfile=,mac=${macAddress}`],
    ...(options.hardwareClock === undefined ? [] : ["-rtc", `base=${options.hardwareClock}`]),
    ...(options.devices ?? []).flatMap((device) => ["-device", device]),
    ...line("tty", `,logfile=${join(directory, "serial.log")},logappend=on`),
    ...["-serial", "chardev:tty"],
    ...line("shell", ""),
    ...["-serial", "chardev:shell"],
    ...line("qmp", ""),
    ...["-mon", "chardev=qmp,mode=control"],
    ...(incoming === undefined ? [] : ["-S", "-incoming", `exec:cat ${incoming}`]),
  ];
}

/** See {@link startMachine}. */
export class Machine implements AsyncDisposable {
  constructor(
    private readonly child: Deno.ChildProcess,
    readonly directory: string,
    readonly agentPort: number,
    readonly qmp: Qmp,
    readonly console: GuestConsole,
  ) {}

  /** Everything written to the first serial line: the kernel's messages and the node's console. */
  async serialLog(): Promise<string> {
    return await Deno.readTextFile(join(this.directory, "serial.log")).catch(() => "");
  }

  /** Waits for text on the first serial line. */
  async waitForSerial(pattern: RegExp, timeoutMs: number, from = 0): Promise<RegExpExecArray> {
    return await waitFor(async () => pattern.exec((await this.serialLog()).slice(from)), {
      timeoutMs,
      what: `${pattern} on the node's serial line`,
    });
  }

  /** Cuts the power and turns it on again. */
  async powerCut(): Promise<void> {
    await this.qmp.execute("system_reset");
  }

  /** Takes the cable out of its network interface, or puts it in again. */
  async setLink(isUp: boolean): Promise<void> {
    await this.qmp.execute("set_link", { name: "net", up: isUp });
  }

  /** The link stays up, and nothing that is sent arrives, until `isSilent` is false again. */
  async setSilent(isSilent: boolean): Promise<void> {
    if (!isSilent) {
      await this.qmp.execute("object-del", { id: "silence" });
      await this.qmp.execute("chardev-remove", { id: "nowhere" });
      return;
    }
    await this.qmp.execute("chardev-add", { id: "nowhere", backend: { type: "null", data: {} } });
    await this.qmp.execute("object-add", {
      "qom-type": "filter-redirector",
      id: "silence",
      netdev: "net",
      queue: "all",
      outdev: "nowhere",
    });
  }

  /** Stops the processors and keeps the whole machine in a file; it can only be ended then. */
  async keep(file: string): Promise<void> {
    await this.qmp.execute("stop");
    await this.qmp.execute("migrate", { uri: `exec:cat >${file}` });
    await waitFor(async () => await this.#statusOf("query-migrate") === "completed", {
      timeoutMs: 120_000,
      what: "the snapshot of a node",
    });
  }

  /** Lets a machine that came from a snapshot run. */
  async resume(): Promise<void> {
    await waitFor(async () => await this.#statusOf("query-status") !== "inmigrate", {
      timeoutMs: 60_000,
      what: "a snapshot to be loaded",
    });
    await this.qmp.execute("cont");
  }

  async stop(): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // It has ended by itself.
    }
    await this.child.status;
    this.qmp.close();
    this.console.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #statusOf(command: string): Promise<unknown> {
    const answer = await this.qmp.execute(command);
    return typeof answer === "object" && answer !== null && "status" in answer && answer.status;
  }
}

/**
 * Starts a machine and connects to it; its programs have not begun then.
 *
 * @throws {Error} with what QEMU said, when it does not start.
 */
export async function startMachine(options: MachineOptions): Promise<Machine> {
  const { directory } = options;
  await Deno.mkdir(directory, { recursive: true });
  // Of an earlier start: nobody listens there.
  for (const name of ["tty", "shell", "qmp"]) {
    await Deno.remove(join(directory, name)).catch(() => {});
  }
  const initramfs = join(directory, "initramfs.cpio");
  await concatenate([options.image.initramfs, options.siteArchive], initramfs);
  const log = await Deno.open(join(directory, "qemu.log"), {
    write: true,
    create: true,
    truncate: true,
  });
  const child = new Deno.Command("qemu-system-x86_64", {
    args: argumentsOf(options, initramfs),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const said = child.stderr.pipeTo(log.writable);
  said.catch(() => {});
  try {
    const qmp = await connected(child, directory, "qmp", connectQmp);
    const console = await connected(child, directory, "shell", connectConsole);
    return new Machine(child, directory, options.agentPort, qmp, console);
  } catch (error) {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await said.catch(() => {});
    const text = await Deno.readTextFile(join(directory, "qemu.log"));
    throw new Error(`QEMU does not start: ${text}`, { cause: error });
  }
}

async function connected<T>(
  child: Deno.ChildProcess,
  directory: string,
  name: string,
  connect: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(directory, name);
  const ended = child.status.then(() => Promise.reject(new Error("QEMU has ended")));
  ended.catch(() => {});
  // Between its making and its listening a socket refuses whoever comes.
  const connection = waitFor(async () => ({ to: await connect(path) }), {
    timeoutMs: SOCKET_LIMIT_MS,
    what: `QEMU's socket ${name}`,
  });
  return (await Promise.race([connection, ended])).to;
}

async function concatenate(parts: readonly string[], output: string): Promise<void> {
  using file = await Deno.open(output, { write: true, create: true, truncate: true });
  for (const part of parts) {
    const bytes = await Deno.readFile(part);
    for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
  }
}
