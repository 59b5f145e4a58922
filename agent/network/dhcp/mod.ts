/**
 * A DHCP client for IPv4 (RFC 2131).
 *
 * @module
 */
export { type DhcpClientOptions, openDhcpClient } from "./client.ts";
