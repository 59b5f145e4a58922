/**
 * What an interface is declared to be, and IP addresses. Pure and free of native code: the network
 * worker reads declarations with it too.
 *
 * @module
 */
export {
  type DnsSpec,
  type InterfaceRole,
  type InterfaceSpec,
  interfaceSpec,
  InterfaceSpecError,
  interfaceSpecOfText,
  isDomain,
  isInterfaceName,
  routesOfSpec,
  type RouteSpec,
  textOfInterfaceSpec,
} from "./interface_spec.ts";
export {
  type Cidr,
  formatCidr,
  formatIp,
  type IpBytes,
  isInside,
  networkOf,
  parseCidr,
  parseIp,
  sameIp,
} from "./ip.ts";
