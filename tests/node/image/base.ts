import { join } from "node:path";
import { cached, contentKey } from "./cached.ts";
import { run } from "./run.ts";

/** Name of the image of Debian packages in its directory. */
export const BASE_IMAGE = "base.squashfs";

/** Debian's kernels: a small one for virtual machines, and the one for all others. */
export type KernelFlavour = "cloud" | "generic";

const KERNELS: Readonly<Record<KernelFlavour, string>> = {
  cloud: "linux-image-cloud-amd64",
  generic: "linux-image-amd64",
};

/** What a node is made of beside its kernel and what these depend on. */
const PACKAGES = [
  "busybox-static",
  "kmod",
  "iproute2",
  "procps",
  "systemd",
  "systemd-sysv",
  "udev",
  "dbus",
  "chrony",
  "rasdaemon",
  // Beside which restarts are measured.
  "s6",
];

/** Left out: nobody reads them on a node. */
const EXCLUDED = [
  "/usr/share/doc/*",
  "/usr/share/man/*",
  "/usr/share/locale/*",
  "/usr/share/info/*",
];

/** Kinds of drivers for what QEMU's machines do not have: left out with the kernel that has all. */
const ABSENT_HARDWARE = [
  "drivers/gpu",
  "drivers/infiniband",
  "drivers/media",
  "drivers/net/ethernet",
  "drivers/net/wireless",
  "drivers/scsi",
  "drivers/staging",
  "drivers/usb",
  "sound",
].map((kind) => `/lib/modules/*/kernel/${kind}/*`);

/**
 * After the packages: the package manager is not needed on a diskless node, nor may the sources it was
 * built from stay in it; a machine id is made at boot; what cannot work on every machine is off.
 */
const CUSTOMIZE = `
set -e
rm -rf "$1"/etc/apt/sources.list* "$1"/etc/apt/apt.conf.d/99mmdebstrap
rm -f "$1"/boot/initrd.img* "$1"/boot/System.map* "$1"/etc/hostname
: > "$1"/etc/machine-id
chroot "$1" systemctl mask ras-mc-ctl.service apt-daily.timer apt-daily-upgrade.timer getty@tty1.service
chroot "$1" systemctl enable systemd-networkd.service
`;

const MAKE_TIMEOUT_MS = 15 * 60_000;

/** The directory with {@link BASE_IMAGE}: Debian of this machine's release, from its own sources. */
export async function baseImage(
  cache: string,
  flavour: KernelFlavour,
  say: (progress: string) => void,
): Promise<string> {
  const suite = await suiteName();
  const packages = [KERNELS[flavour], ...PACKAGES];
  const excluded = flavour === "cloud" ? EXCLUDED : [...EXCLUDED, ...ABSENT_HARDWARE];
  const key = contentKey(suite, packages.join(), excluded.join(), CUSTOMIZE);
  return await cached(
    cache,
    flavour === "cloud" ? "base" : `${flavour}-base`,
    key,
    async (place) => {
      say(`Debian ${suite} with ${packages.join(", ")} (about a minute, once)`);
      await makeBase(place, suite, packages, excluded);
    },
  );
}

async function makeBase(
  directory: string,
  suite: string,
  packages: readonly string[],
  excluded: readonly string[],
): Promise<void> {
  const hook = join(directory, "customize.sh");
  await Deno.writeTextFile(hook, CUSTOMIZE, { mode: 0o755 });
  const options = join(directory, "apt.conf");
  await Deno.writeTextFile(options, await acquireOptions());
  const tar = join(directory, "base.tar");
  await run("mmdebstrap", [
    "--variant=minbase",
    "--quiet",
    `--include=${packages.join()}`,
    ...excluded.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    `--aptopt=${options}`,
    `--customize-hook=sh -e ${hook} "$1"`,
    suite,
    tar,
    ...await sourceFiles(),
  ], {
    // No initramfs of Debian's own: a node's is made in initramfs.ts.
    env: { INITRD: "No", DEBIAN_FRONTEND: "noninteractive" },
    timeoutMs: MAKE_TIMEOUT_MS,
  });
  const image = join(directory, BASE_IMAGE);
  // Not compressed, for the emulated processor is slower than the disk.
  const unpacked = ["-noI", "-noD", "-noF", "-noX", "-no-xattrs"];
  await run("sh", ["-c", 'exec sqfstar -quiet "$@" <"$0"', tar, ...unpacked, image], {
    timeoutMs: MAKE_TIMEOUT_MS,
  });
  for (const path of [tar, hook, options]) await Deno.remove(path);
}

/** The Debian release of this machine, or the one that nodes have elsewhere. */
async function suiteName(): Promise<string> {
  const release = await Deno.readTextFile("/etc/os-release").catch(() => "");
  const isDebian = /^ID=debian$/m.test(release);
  return isDebian ? /^VERSION_CODENAME=(\w+)$/m.exec(release)?.[1] ?? "bookworm" : "bookworm";
}

/** Where this machine gets Debian from; without such files mmdebstrap has a default. */
async function sourceFiles(): Promise<string[]> {
  const release = await Deno.readTextFile("/etc/os-release").catch(() => "");
  if (!/^ID=debian$/m.test(release)) return [];
  const candidates = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"];
  const found: string[] = [];
  for (const path of candidates) {
    const text = await Deno.readTextFile(path).catch(() => "");
    if (/^(?:deb\s|Types:)/m.test(text)) found.push(path);
  }
  return found;
}

/** How this machine fetches: its proxies, and what it thinks of dates. */
async function acquireOptions(): Promise<string> {
  const dump = new TextDecoder().decode(
    await run("apt-config", ["dump"]).catch(() => new Uint8Array()),
  );
  return dump.split("\n").filter((line) => /^Acquire::(?:Check-|https?::)/.test(line)).join("\n") +
    "\n";
}
