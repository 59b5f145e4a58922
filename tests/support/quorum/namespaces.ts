/**
 * Hosts of a quorum on one machine: a network namespace for each member, joined by a bridge whose
 * paths can be cut one way or both. Needs root. Owns namespaces and bridge and ends with its scope.
 */
import type { MemberHosts } from "./quorum_site.ts";

/** Runs `ip` with these words. */
async function ip(...words: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("ip", { args: [...words] }).output();
  if (!success) throw new Error(`ip ${words.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}

/** Whether this machine lets this user make network namespaces. */
export async function canMakeNamespaces(): Promise<boolean> {
  if (Deno.uid() !== 0) return false;
  try {
    await using _network = await openNamespaces(1);
    return true;
  } catch {
    return false;
  }
}

/** Makes the namespaces of `size` members. */
export async function openNamespaces(size: number): Promise<Namespaces> {
  const network = new Namespaces(size);
  try {
    await network.open();
    return network;
  } catch (error) {
    await network[Symbol.asyncDispose]();
    throw error;
  }
}

/** See {@link openNamespaces}. */
export class Namespaces implements MemberHosts, AsyncDisposable {
  /** Names are short, for the kernel allows 15 characters, and differ between runs. */
  readonly #mark = crypto.getRandomValues(new Uint8Array(3)).toHex();
  readonly #subnet = `10.${crypto.getRandomValues(new Uint8Array(2)).join(".")}`;
  readonly #cuts = new Set<string>();

  constructor(private readonly size: number) {}

  async open(): Promise<void> {
    const bridge = this.#bridge;
    await ip("link", "add", bridge, "type", "bridge");
    await ip("address", "add", `${this.#subnet}.254/24`, "dev", bridge);
    await ip("link", "set", bridge, "up");
    for (let id = 1; id <= this.size; id++) {
      const [name, link] = [this.#name(id), `pq${this.#mark}${id}`];
      await ip("netns", "add", name);
      await ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name);
      await ip("link", "set", link, "master", bridge, "up");
      await ip("-n", name, "link", "set", "lo", "up");
      await ip("-n", name, "address", "add", `${this.#address(id)}/24`, "dev", "eth0");
      await ip("-n", name, "link", "set", "eth0", "up");
    }
  }

  /** Where this machine is for all of them. */
  get outsideAddress(): string {
    return `${this.#subnet}.254`;
  }

  host(id: number) {
    return { address: this.#address(id), through: ["ip", "netns", "exec", this.#name(id)] };
  }

  /** From now on nothing that one member sends reaches the other. */
  async cut(from: number, to: number): Promise<void> {
    const key = `${from} ${to}`;
    if (this.#cuts.has(key)) return;
    this.#cuts.add(key);
    await ip("-n", this.#name(from), "route", "add", "blackhole", `${this.#address(to)}/32`);
  }

  /** Cuts a member off from all others, but not from clients. */
  async isolate(id: number): Promise<void> {
    for (let other = 1; other <= this.size; other++) {
      if (other === id) continue;
      await this.cut(id, other);
      await this.cut(other, id);
    }
  }

  async heal(): Promise<void> {
    for (const key of this.#cuts) {
      const [from = 0, to = 0] = key.split(" ").map(Number);
      await ip("-n", this.#name(from), "route", "del", "blackhole", `${this.#address(to)}/32`);
    }
    this.#cuts.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let id = 1; id <= this.size; id++) {
      await ip("netns", "del", this.#name(id)).catch(() => {});
    }
    await ip("link", "del", this.#bridge).catch(() => {});
  }

  get #bridge(): string {
    return `pq${this.#mark}b`;
  }

  #name(id: number): string {
    return `pact-${this.#mark}-${id}`;
  }

  #address(id: number): string {
    return `${this.#subnet}.${id}`;
  }
}
