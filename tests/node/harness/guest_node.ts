import type { GuestConsole } from "./console.ts";
import type { Machine } from "./machine.ts";

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

  async readFile(path: string): Promise<string> {
    return await this.console.read(`cat '${path}'`);
  }
}
