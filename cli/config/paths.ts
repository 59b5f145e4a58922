import type { Host } from "../host/mod.ts";

/** `$XDG_CONFIG_HOME/pact`, else `~/.config/pact`; undefined without either (CLI-3). */
export function configDirectory(host: Host): string | undefined {
  const xdg = host.env("XDG_CONFIG_HOME");
  if (xdg?.startsWith("/")) return `${xdg}/pact`;
  const home = host.env("HOME");
  return home && `${home}/.config/pact`;
}

/** `path` with a leading `~` replaced by the home directory (CLI-4). */
export function expandHome(path: string, host: Host): string {
  const home = host.env("HOME");
  if (home === undefined) return path;
  return path === "~" || path.startsWith("~/") ? `${home}${path.slice(1)}` : path;
}
