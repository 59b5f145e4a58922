import type { InterfaceAddress, Link, Route } from "../network/mod.ts";
import { formatCidr, formatIp } from "../interfaces/mod.ts";
import type { ObservedEvent } from "./event.ts";

/** The network at one moment: by interface its facts, each under a name of its own. */
export type NetworkTable = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** The facts of links, addresses and routes. */
export function networkTable(
  { links, addresses, routes }: {
    readonly links: readonly Link[];
    readonly addresses: readonly InterfaceAddress[];
    readonly routes: readonly Route[];
  },
): NetworkTable {
  const table = new Map<string, Map<string, string>>();
  const byIndex = new Map<number, Map<string, string>>();
  for (const { name, index, isUp, hasCarrier, mtu } of links) {
    const facts = new Map([
      ["state", isUp ? "up" : "down"],
      ["carrier", hasCarrier ? "yes" : "no"],
      ["mtu", String(mtu)],
    ]);
    table.set(name, facts);
    byIndex.set(index, facts);
  }
  for (const { interfaceIndex, cidr } of addresses) {
    byIndex.get(interfaceIndex)?.set(`address ${formatCidr(cidr)}`, "there");
  }
  for (const { interfaceIndex, destination, gateway, metric } of routes) {
    const by = gateway === undefined ? "on the link" : `by ${formatIp(gateway)}`;
    byIndex.get(interfaceIndex)?.set(`route ${formatCidr(destination)} metric ${metric}`, by);
  }
  return table;
}

/** What changed between two moments: one event for each interface, with old and new values (OBS-6). */
export function diffNetwork(
  before: NetworkTable,
  after: NetworkTable,
): Pick<ObservedEvent, "category" | "path" | "detail">[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].flatMap((name) => {
    const detail = changes(before.get(name), after.get(name));
    return detail === "" ? [] : [{ category: "network" as const, path: name, detail }];
  });
}

function changes(
  before: ReadonlyMap<string, string> | undefined,
  after: ReadonlyMap<string, string> | undefined,
): string {
  if (after === undefined) return "interface gone";
  const texts = before === undefined ? ["interface new"] : [];
  const former = before ?? new Map<string, string>();
  for (const name of new Set([...former.keys(), ...after.keys()])) {
    const [was, is] = [former.get(name), after.get(name)];
    if (was === is) continue;
    if (was === undefined) texts.push(before === undefined ? `${name} ${is}` : `${name} ${is} new`);
    else texts.push(is === undefined ? `${name} gone` : `${name} ${was} -> ${is}`);
  }
  return texts.join("; ");
}

const HEADER_BYTES = 16;
const RTM_LINK = [16, 17];
const RTM_ADDRESS = [20, 21];
const MAX_MESSAGES = 1024;

/** Who asked for a change, by the port of its netlink socket, which is its process id by convention. */
export interface NetworkSender {
  readonly pid: number;
  /** Undefined for a route, which does not begin with its interface. */
  readonly interfaceIndex?: number;
}

/** The senders behind a datagram of the kernel's news; what the kernel did by itself has none. */
export function sendersOf(bytes: Uint8Array): NetworkSender[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const senders: NetworkSender[] = [];
  let at = 0;
  for (let count = 0; count < MAX_MESSAGES && at + HEADER_BYTES <= bytes.byteLength; count++) {
    const length = view.getUint32(at, true);
    if (length < HEADER_BYTES || at + length > bytes.byteLength) return senders;
    const type = view.getUint16(at + 4, true);
    const pid = view.getUint32(at + 12, true);
    const hasIndex = RTM_LINK.includes(type) || RTM_ADDRESS.includes(type);
    // A second socket of a process has a port above every process id.
    if (pid > 0 && pid <= 0x40_0000) {
      senders.push(
        hasIndex && length >= HEADER_BYTES + 8
          ? { pid, interfaceIndex: view.getUint32(at + HEADER_BYTES + 4, true) }
          : { pid },
      );
    }
    at += (length + 3) & ~3;
  }
  return senders;
}
