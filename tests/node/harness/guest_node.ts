import { FIRST_PROGRAM } from "./boot.ts";
import { waitFor } from "../../support/mod.ts";
import type { GuestConsole } from "./console.ts";
import type { Machine } from "./machine.ts";

/** Longest from the reset of a machine to its first program, and from there to the agent. */
const BOOT_LIMIT_MS = 90_000;
/** What the agent says when it does what is declared. */
const READY = /agent ready/;

/** A node that runs in QEMU. */
export class GuestNode {
  constructor(
    readonly nodeId: string,
    readonly hardwareId: string,
    readonly machine: Machine,
  ) {}

  /** The root shell on its second serial line. */
  get console(): GuestConsole {
    return this.machine.console;
  }

  /** Sets the node's clock to this machine's: that of a snapshot stands where it was taken. */
  async setClock(): Promise<void> {
    await this.console.read(`date -u -s @${(Date.now() / 1000).toFixed(3)}`);
  }

  /** Writes a file in the guest. */
  async writeFile(path: string, text: string): Promise<void> {
    const octal = [...new TextEncoder().encode(text)]
      .map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
    await this.console.read(`printf '${octal}' >'${path}'`);
  }

  /** Cuts the power and turns it on again; answers when the agent is ready again. */
  async powerCut(): Promise<void> {
    const from = (await this.machine.serialLog()).length;
    await this.machine.powerCut();
    await this.#isBack(from, BOOT_LIMIT_MS);
  }

  /** Waits until the machine has been reset by itself, and the agent is ready again. */
  async resets(timeoutMs: number): Promise<void> {
    const from = (await this.machine.serialLog()).length;
    await this.#isBack(from, timeoutMs);
  }

  async readFile(path: string): Promise<string> {
    return await this.console.read(`cat '${path}'`);
  }

  /** The first process of a service; undefined while it has none. */
  async processOf(service: string): Promise<number | undefined> {
    const scope = `/sys/fs/cgroup/pact.slice/infra.slice/${service}.scope`;
    const { output, status } = await this.console.run(`head -n 1 ${scope}/cgroup.procs`);
    return status === 0 && output !== "" ? Number(output) : undefined;
  }

  /** Kills a service's process and waits for the one that takes its place. */
  async killedServiceComesBack(service: string, timeoutMs = 30_000): Promise<number> {
    const before = await this.processOf(service);
    if (before === undefined) throw new Error(`${service} does not run`);
    await this.console.read(`kill -9 ${before}`);
    return await waitFor(async () => {
      const now = await this.processOf(service);
      return now !== before && now;
    }, { what: `${service} to run again`, timeoutMs });
  }

  /** The agent's process. */
  async agent(): Promise<number> {
    return Number(await this.console.read("pidof -s deno"));
  }

  /** Differs from boot to boot. */
  async bootId(): Promise<string> {
    return await this.readFile("/proc/sys/kernel/random/boot_id");
  }

  async #isBack(from: number, resetWithinMs: number): Promise<void> {
    await this.machine.waitForSerial(FIRST_PROGRAM, resetWithinMs, from);
    await this.machine.waitForSerial(READY, BOOT_LIMIT_MS, from);
    await this.console.answers();
  }
}
