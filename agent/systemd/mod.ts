/**
 * The declared services as units of systemd, where systemd is the node's init (agent.md 10).
 *
 * @module
 */
export { isSystemdRunning, SystemdMissingError } from "./systemctl.ts";
export { SystemdServices, type SystemdServicesOptions } from "./systemd_services.ts";
