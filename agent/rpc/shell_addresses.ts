import { formatIp, parseIp } from "../interfaces/mod.ts";

/** Over which of the node's addresses the shell is served (NET-12). */
export class ShellAddresses {
  /** Undefined: over every address. */
  #allowed: ReadonlySet<string> | undefined;

  /** From now on over these alone, and over loopback; undefined: over every address. */
  allow(addresses: readonly string[] | undefined): void {
    this.#allowed = addresses === undefined ? undefined : new Set(addresses.map(canonical));
  }

  /** Whether a connection to this address is served. */
  serves(localAddress: string): boolean {
    if (this.#allowed === undefined) return true;
    const address = canonical(localAddress);
    return isLoopback(address) || this.#allowed.has(address);
  }
}

/** One text for one address: without zone, IPv4 inside IPv6 as IPv4. */
function canonical(text: string): string {
  const [plain = ""] = text.toLowerCase().split("%");
  const bytes = parseIp(/^::ffff:(?=[0-9.]+$)/.test(plain) ? plain.slice(7) : plain);
  return bytes === undefined ? plain : formatIp(bytes);
}

function isLoopback(address: string): boolean {
  return address === "::1" || /^127(\.[0-9]+){3}$/.test(address);
}
