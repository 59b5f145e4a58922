/** What building and running a node needs of this machine, beyond Deno and a C compiler. */
interface HostProgram {
  readonly program: string;
  /** The Debian package that has it. */
  readonly debianPackage: string;
}

const PROGRAMS: readonly HostProgram[] = [
  { program: "mmdebstrap", debianPackage: "mmdebstrap" },
  { program: "sqfstar", debianPackage: "squashfs-tools" },
  { program: "mksquashfs", debianPackage: "squashfs-tools" },
  { program: "unsquashfs", debianPackage: "squashfs-tools" },
  { program: "cpio", debianPackage: "cpio" },
  { program: "lz4", debianPackage: "lz4" },
  { program: "xz", debianPackage: "xz-utils" },
  { program: "mkfs.ext4", debianPackage: "e2fsprogs" },
  { program: "unshare", debianPackage: "util-linux" },
  { program: "qemu-system-x86_64", debianPackage: "qemu-system-x86" },
];

const SEARCHED = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Why this machine can neither build nor run a node, with what to do; undefined when it can. */
export function whatIsMissing(): string | undefined {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    return `nodes in QEMU need Linux on x86_64, this is ${Deno.build.os} on ${Deno.build.arch}`;
  }
  const missing = PROGRAMS.filter(({ program }) => !isInstalled(program));
  if (missing.length === 0) return undefined;
  const packages = [...new Set(missing.map(({ debianPackage }) => debianPackage))].join(" ");
  return `nodes in QEMU need ${missing.map(({ program }) => program).join(", ")}: ` +
    `run apt-get install --no-install-recommends ${packages}`;
}

function isInstalled(program: string): boolean {
  const path = (Deno.env.get("PATH") ?? "").split(":");
  return [...path, ...SEARCHED].some((directory) => isFile(`${directory}/${program}`));
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
