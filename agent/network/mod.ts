/**
 * The node's network: management interfaces at boot, declared interfaces later (agent.md section 8).
 *
 * @module
 */
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
