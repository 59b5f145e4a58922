/**
 * The node's network: management interfaces at boot, declared interfaces later (agent.md section 8).
 *
 * @module
 */
export { addressWatch } from "./address_watch.ts";
export { type BootKnowledge, type BootNetwork, bootNetwork } from "./boot_network.ts";
export { ConfirmedChange, type ConfirmedChangeOptions } from "./confirmed_change.ts";
export { networkDimension, type NetworkDimensionParts } from "./network_dimension.ts";
export { type DhcpClientOptions, openDhcpClient } from "./dhcp/mod.ts";
export { type ManagementKnowledge, shellAddresses } from "./shell_addresses.ts";
export { type Lease, leaseOfText, textOfLease } from "./lease.ts";
export type { LeaseEvents, LeaseKeeper } from "./lease_keeper.ts";
export type { NetworkSnapshot } from "./snapshot.ts";
export {
  type InterfaceStatus,
  NetworkError,
  type NetworkEvent,
  type NetworkManager,
  openNetworkManager,
} from "./manager.ts";
export {
  createRtnetlink,
  FAMILY,
  type InterfaceAddress,
  type Link,
  NetlinkFormatError,
  type Route,
  ROUTE_PROTOCOL,
  type Rtnetlink,
} from "./netlink/mod.ts";
