import { hasLong, hasShort, hasWord, operands, valuesOf } from "./arguments.ts";

/** Whether a call may change the node's state. */
export type CommandClass = "read-only" | "state-changing";

export type Classification =
  | { readonly kind: "allowed"; readonly class: CommandClass }
  | { readonly kind: "refused"; readonly reason: string };

type Arguments = readonly string[];

/** How the calls of one program are told apart. */
interface Rule {
  /** Read-only exactly when this holds; programs without a rule are read-only. */
  readonly readOnly: (args: Arguments) => boolean;
  /** Never run, whatever the role; answers what was refused. */
  readonly refused?: (args: Arguments, caller: Caller) => string | null;
}

export interface Caller {
  readonly isPlatformAdmin: boolean;
}

/** EXE-3 as data. Where it is unclear what a call does, it counts as state-changing. */
const RULES: Readonly<Record<string, Rule>> = {
  mount: {
    readOnly: (args) => {
      const rest = args.filter((arg, at) => args[at - 1] !== "-t" && !/^-t./.test(arg));
      return rest.every((arg) => ["-l", "-t", "--version", "-V"].includes(arg));
    },
  },
  umount: { readOnly: () => false },
  ip: {
    readOnly: (args) => {
      const [, verb] = operands(args, IP_VALUED);
      return verb === undefined ||
        ["show", "list", "get", "monitor", "sh", "ls", "lst"].includes(verb);
    },
    refused: (args) => {
      if (args.some((arg) => /^--?b(?:a(?:t(?:c(?:h)?)?)?)?$/.test(arg))) return "ip -batch";
      const [object = "", verb = ""] = operands(args, IP_VALUED);
      return verb !== "" && "exec".startsWith(verb) ? `ip ${object} exec` : null;
    },
  },
  sysctl: {
    readOnly: (args) =>
      !hasShort(args, "wpf") && !hasLong(args, "write", "load", "system") &&
      !operands(args).some((arg) => arg.includes("=")),
  },
  systemctl: {
    readOnly: (args) => {
      const [verb = "list-units"] = operands(args, SYSTEMCTL_VALUED);
      return /^(?:status|show|cat|get-default|list-[a-z-]+|is-[a-z-]+)$/.test(verb);
    },
    refused: (args) => {
      const [verb = ""] = operands(args, SYSTEMCTL_VALUED);
      if (hasShort(args, "HM") || hasLong(args, "host", "machine")) {
        return "systemctl on another host";
      }
      return /^(?:edit|set-environment|import-environment|link|preset(?:-all)?)$/.test(verb)
        ? `systemctl ${verb}`
        : null;
    },
  },
  modprobe: {
    // Only what stands before the module's name is surely an option.
    readOnly: (args) => {
      const firstName = args.findIndex((arg) => !arg.startsWith("-") || arg === "--");
      const leading = firstName < 0 ? args : args.slice(0, firstName);
      return hasWord(leading, "-n", "--dry-run", "-D", "-R", "--resolve-alias") ||
        leading.some((arg) => arg.startsWith("--show"));
    },
    refused: (args) =>
      hasShort(args, "Cd") || hasLong(args, "config", "dirname")
        ? "modprobe with another tree"
        : null,
  },
  dmesg: {
    readOnly: (args) =>
      !hasShort(args, "cCnDE") &&
      !hasLong(args, "clear", "read-clear", "console-level", "console-off", "console-on"),
  },
  hostname: {
    readOnly: (args) =>
      operands(args).length === 0 && !hasShort(args, "Fb") && !hasLong(args, "file", "boot"),
  },
  ethtool: {
    readOnly: (args) => {
      const [option = ""] = args;
      return !option.startsWith("-") || option.startsWith("--show") || ETHTOOL_SHOWS.has(option);
    },
    refused: (args) => hasWord(args, "-f", "--flash") ? "ethtool -f" : null,
  },
  ss: {
    readOnly: (args) => !hasShort(args, "K") && !hasLong(args, "kill"),
    refused: (args) => hasShort(args, "D") || hasLong(args, "diag") ? "ss -D" : null,
  },
  "nvidia-smi": {
    readOnly: (args) =>
      !hasWord(args, ...NVIDIA_CHANGES) && !args.some((arg) => NVIDIA_TOOLS.has(arg)),
    refused: (args) => hasWord(args, "-f", "--filename") ? "nvidia-smi -f" : null,
  },
  "rocm-smi": {
    readOnly: (args) =>
      !args.some((arg) => /^--(?:set|reset|load|save)/.test(arg)) && !hasShort(args, "r"),
  },
  journalctl: {
    readOnly: (args) =>
      !hasLong(
        args,
        ...["vacuum-size", "vacuum-time", "vacuum-files", "vacuum", "rotate", "flush", "sync"],
        ...["relinquish-var", "setup-keys", "update-catalog"],
      ),
    refused: (args) => {
      const outside = valuesOf(args, "--file", "-D", "--directory", "--root", "--image").find((
        path,
      ) => !path.startsWith("/var/log/") || path.split("/").includes(".."));
      return outside === undefined ? null : `journalctl on ${outside}, outside /var/log`;
    },
  },
  file: {
    readOnly: () => true,
    refused: (args) => hasShort(args, "C") || hasLong(args, "compile") ? "file -C" : null,
  },
  ping: {
    readOnly: () => true,
    refused: (args, { isPlatformAdmin }) =>
      !isPlatformAdmin && hasShort(args, "f") ? "ping -f" : null,
  },
};

const IP_VALUED = ["-n", "-netns", "-f", "-family", "-rc", "-rcvbuf", "-l", "-loops"];
const SYSTEMCTL_VALUED = ["-t", "--type", "-p", "--property", "-n", "--lines", "-o", "--output"];
const ETHTOOL_SHOWS: ReadonlySet<string> = new Set(
  ("-a -c -g -i --driver -k -l -m --module-info -n -u -x -P -S --statistics -T -d " +
    "--register-dump -e --eeprom-dump -h --help --version").split(" "),
);
const NVIDIA_CHANGES = (
  "-pm --persistence-mode -pl --power-limit -r --gpu-reset -mig --multi-instance-gpu " +
  "-lgc --lock-gpu-clocks -rgc --reset-gpu-clocks -lmc --lock-memory-clocks " +
  "-rmc --reset-memory-clocks -ac --applications-clocks -rac --reset-applications-clocks " +
  "-c --compute-mode -e --ecc-config -p --reset-ecc-errors -cc --cuda-clocks -am " +
  "--accounting-mode -caa --clear-accounted-apps -dm --driver-model -fdm --auto-boost-default -gtt"
).split(" ");

/** Subcommands that change a GPU, or may. */
const NVIDIA_TOOLS: ReadonlySet<string> = new Set(
  ("mig drain nvlink clocks vgpu boost-slider compute-policy power-hint conf-compute " +
    "power-smoothing power-profiles prm c2c stats").split(" "),
);

/**
 * What a call is: read-only, state-changing, or refused for an option no role may use (EXE-3).
 *
 * @param starred names whose calls change state where there is no rule for them
 */
export function classify(
  name: string,
  args: Arguments,
  caller: Caller,
  starred: ReadonlySet<string> = new Set(),
): Classification {
  const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
  const refused = rule?.refused?.(args, caller) ?? null;
  if (refused !== null) return { kind: "refused", reason: `option not allowed: ${refused}` };
  const readOnly = rule === undefined ? !starred.has(name) : rule.readOnly(args);
  return { kind: "allowed", class: readOnly ? "read-only" : "state-changing" };
}
