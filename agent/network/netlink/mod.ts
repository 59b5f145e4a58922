/**
 * rtnetlink(7): messages built and understood here, carried by the shim.
 *
 * @module
 */
export { FAMILY, type InterfaceAddress } from "./address.ts";
export type { Link } from "./link.ts";
export { NetlinkFormatError } from "./message.ts";
export { type Route, ROUTE_PROTOCOL } from "./route.ts";
export { createRtnetlink, type Rtnetlink } from "./rtnetlink.ts";
