/** A command that may be run on a node. */
export interface ListedCommand {
  readonly name: string;
  /** May change the node's state; what a single call does is decided by its arguments. */
  readonly stateChanging: boolean;
  readonly description: string;
}

/** The commands of the default list (WHL-1), by name. */
export const DEFAULT_COMMANDS: readonly ListedCommand[] = [
  listed("cat", "print files"),
  listed("df", "file system space"),
  listed("diff", "compare files"),
  listed("dmesg", "kernel messages"),
  listed("echo", "print arguments"),
  listed("ethtool", "network device settings"),
  listed("file", "kind of a file"),
  listed("free", "memory in use"),
  listed("grep", "search in files"),
  listed("head", "first lines of files"),
  listed("hostname", "name of the node"),
  listed("htop", "processes, interactive"),
  listed("ip", "network interfaces, addresses and routes", true),
  listed("journalctl", "systemd journal"),
  listed("ls", "list directories"),
  listed("lsblk", "block devices"),
  listed("lscpu", "processor architecture"),
  listed("lsmod", "loaded kernel modules"),
  listed("lspci", "PCI devices"),
  listed("md5sum", "MD5 digests"),
  listed("modprobe", "load and unload kernel modules", true),
  listed("mount", "mount file systems, list mounts", true),
  listed("nvidia-smi", "NVIDIA GPUs"),
  listed("ping", "reachability of a host"),
  listed("ps", "processes"),
  listed("rocm-smi", "AMD GPUs"),
  listed("sha256sum", "SHA-256 digests"),
  listed("ss", "sockets"),
  listed("stat", "status of files"),
  listed("sysctl", "kernel parameters", true),
  listed("systemctl", "systemd units", true),
  listed("tail", "last lines of files"),
  listed("top", "processes by load"),
  listed("traceroute", "route to a host"),
  listed("umount", "unmount file systems", true),
  listed("uname", "kernel and architecture"),
  listed("uptime", "time since boot and load"),
  listed("wc", "count lines, words and bytes"),
];

/** Programs that can start any other program, or write any file (WHL-3). */
const ESCAPE_PRONE: ReadonlySet<string> = new Set(
  ("vi vim nvim nano emacs ed less more man most perl ruby lua node deno bash sh zsh dash ksh " +
    "csh fish busybox find xargs awk gawk mawk nawk sed env nice nohup setsid timeout strace gdb " +
    "ftp sftp ssh scp rsync tar zip git make docker podman nsenter unshare chroot su sudo screen " +
    "tmux expect socat nc curl wget dd tee").split(" "),
);

/** The names that may be run, and what was asked for but is not among them. */
export interface Whitelist {
  readonly names: ReadonlySet<string>;
  /** To be warned about: escape-prone, or no base names. */
  readonly refused: readonly string[];
}

/**
 * The list in force (WHL-2): the policy's if it has one, else the default.
 *
 * @param unsafe names the policy allows although they are escape-prone (`allow_unsafe`)
 */
export function effectiveWhitelist(
  policyNames: readonly string[],
  unsafe: readonly string[] = [],
): Whitelist {
  if (policyNames.length === 0) {
    return { names: new Set(DEFAULT_COMMANDS.map(({ name }) => name)), refused: [] };
  }
  const isRefused = (name: string) =>
    !isBaseName(name) || (isEscapeProne(name) && !unsafe.includes(name));
  return {
    names: new Set(policyNames.filter((name) => !isRefused(name))),
    refused: policyNames.filter(isRefused),
  };
}

/** Whether a program can be turned into any other. */
export function isEscapeProne(name: string): boolean {
  return ESCAPE_PRONE.has(name) || /^python[0-9.]*$/.test(name);
}

/** WHL-2: a name with a slash never matches a list. */
export function isBaseName(name: string): boolean {
  return /^[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,127}$/.test(name);
}

function listed(name: string, description: string, stateChanging = false): ListedCommand {
  return { name, stateChanging, description };
}
