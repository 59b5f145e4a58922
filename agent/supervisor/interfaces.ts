import { type Files, isShimError } from "../../ffi/mod.ts";

const INTERFACES = "/sys/class/net";
/** netdevice(7): administratively up. */
const IFF_UP = 0x1;

/** What whoever configures the network knows of its interfaces. */
export interface InterfaceNews {
  /** Those it configures, and whether each is as declared; of others the kernel knows. */
  readiness(): ReadonlyMap<string, boolean>;
  /** Tells of changes until the answer is called. */
  onChange(listener: () => void): () => void;
}

/** The network interfaces that are up, by name; empty where the kernel shows none. */
export function interfacesUp(files: Pick<Files, "list" | "readText">): ReadonlySet<string> {
  try {
    return new Set(
      files.list(INTERFACES).map(({ name }) => name).filter((name) => isUp(name, files)),
    );
  } catch (error) {
    if (isShimError(error, "ENOENT", "EACCES")) return new Set();
    throw error;
  }
}

function isUp(name: string, files: Pick<Files, "readText">): boolean {
  try {
    const read = (file: string) =>
      files.readText(`${INTERFACES}/${name}/${file}`, { maxBytes: 64 }).trim();
    // Loopback and tunnels have no operational state of their own: `unknown`.
    return (Number(read("flags")) & IFF_UP) !== 0 && ["up", "unknown"].includes(read("operstate"));
  } catch (error) {
    // Gone between listing and reading, or no interface at all (bonding_masters).
    if (isShimError(error, "ENOENT", "ENOTDIR", "EINVAL")) return false;
    throw error;
  }
}
