/** What the machine says of itself now, for the journal to know it by. */

import type { agentport } from "../../api/mod.ts";
import { isShimError, type Shim } from "../../ffi/mod.ts";
import {
  type InterfaceSpec,
  InterfaceSpecError,
  interfaceSpecOfText,
  type IpBytes,
} from "../interfaces/mod.ts";
import { createRtnetlink, type Link, NetlinkFormatError, type Rtnetlink } from "../network/mod.ts";
import { detectHardware } from "./hardware.ts";
import { managementInterfaces, withManagementRole } from "./management_interface.ts";

const HOSTS = "/etc/hosts";
const MAX_HOSTS_BYTES = 1024 * 1024;

/**
 * What identifies the machine (NEN-1), by its network as it is now. `upByBoot` are the interfaces over
 * which the boot reaches the journal.
 */
export function machineIdentity(
  shim: Pick<Shim, "files" | "network">,
  { journalHosts, interfaces }: Pick<agentport.AgentConfig, "journalHosts" | "interfaces">,
  upByBoot: readonly string[],
): Record<string, string> {
  const rtnetlink = createRtnetlink(shim.network);
  const links = orNone(() => rtnetlink.links());
  const configured = Object.entries(interfaces).flatMap(([name, text]) => specOf(name, text));
  return detectHardware(shim.files, {
    management: managementInterfaces({
      journalHosts,
      hostsFile: hostsFile(shim),
      named: [...withManagementRole(configured), ...upByBoot],
      wayTo: (address) => nameOf(links, orNone(() => wayTo(rtnetlink, address))[0]),
    }),
    permanentAddress: (name) => {
      const { permanentAddress } = links.find((link) => link.name === name) ?? {};
      return permanentAddress === undefined ? undefined : textOfAddress(permanentAddress);
    },
  });
}

/** One that cannot be read was told of where the configuration was. */
function specOf(name: string, text: string): InterfaceSpec[] {
  try {
    return [interfaceSpecOfText(name, text)];
  } catch (error) {
    if (error instanceof InterfaceSpecError) return [];
    throw error;
  }
}

function wayTo(rtnetlink: Rtnetlink, address: IpBytes): readonly number[] {
  const index = rtnetlink.wayTo(address);
  return index === undefined ? [] : [index];
}

function nameOf(links: readonly Link[], index: number | undefined): string | undefined {
  return links.find((link) => link.index === index)?.name;
}

/** A kernel that does not answer leaves the other identifiers. */
function orNone<Item>(read: () => readonly Item[]): readonly Item[] {
  try {
    return read();
  } catch (error) {
    if (isShimError(error) || error instanceof NetlinkFormatError) return [];
    throw error;
  }
}

function hostsFile({ files }: Pick<Shim, "files">): string {
  try {
    return files.readText(HOSTS, { maxBytes: MAX_HOSTS_BYTES });
  } catch (error) {
    if (isShimError(error)) return "";
    throw error;
  }
}

/** `02:00:00:00:00:01`; undefined for none. */
function textOfAddress(bytes: Uint8Array): string | undefined {
  return bytes.length === 0 ? undefined : bytes.toHex().replaceAll(/(..)(?=.)/g, "$1:");
}
