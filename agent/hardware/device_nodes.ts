import { type Files, isShimError } from "../../ffi/mod.ts";
import { matchesGlob } from "./glob.ts";
import { namesIn } from "./module_tables.ts";

/** Access to device nodes, which devtmpfs makes for root alone (CLD-2). The last that matches counts. */
const MODES: readonly (readonly [pattern: string, mode: number])[] = [
  ["null", 0o666],
  ["zero", 0o666],
  ["full", 0o666],
  ["random", 0o666],
  ["urandom", 0o666],
  ["tty", 0o666],
  ["ptmx", 0o666],
  ["kvm", 0o660],
  ["fuse", 0o666],
  ["nvidia*", 0o666],
  ["kfd", 0o666],
  ["dri/renderD*", 0o666],
  ["cxi*", 0o666],
];

/** Names that programs expect in /dev. */
const LINKS: readonly (readonly [name: string, target: string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
  ["core", "/proc/kcore"],
];

/** Folders of /dev that hold nodes with a rule. */
const FOLDERS = ["", "dri"];

/** What device nodes are set up with. */
export type NodeFiles = Pick<Files, "list" | "chmod" | "symlink">;

/** The permissions of a node by its name below /dev; undefined: as the kernel made it. */
export function modeOfNode(name: string): number | undefined {
  return MODES.findLast(([pattern]) => matchesGlob(pattern, name))?.[1];
}

/**
 * Sets permissions and links below `devices`, but for the permissions of what `isLeft` names; answers what
 * went wrong. Repeatable.
 */
export function setUpDeviceNodes(
  files: NodeFiles,
  devices = "/dev",
  isLeft: (name: string) => boolean = () => false,
): string[] {
  const problems: string[] = [];
  const attempt = (what: string, task: () => void) => {
    try {
      task();
    } catch (error) {
      if (!isShimError(error)) throw error;
      if (error.code !== "EEXIST") problems.push(`${what}: ${error.message}`);
    }
  };
  for (const folder of FOLDERS) {
    for (const entry of namesIn(files, `${devices}/${folder}`)) {
      const name = folder === "" ? entry : `${folder}/${entry}`;
      if (!isLeft(name)) attempt(name, () => setMode(files, devices, name));
    }
  }
  for (const [name, target] of LINKS) {
    attempt(name, () => files.symlink(target, `${devices}/${name}`));
  }
  return problems;
}

/** Sets the permissions of one node, where there is a rule for it. Throws ShimError. */
export function setMode(files: Pick<Files, "chmod">, devices: string, name: string): void {
  const mode = modeOfNode(name);
  if (mode !== undefined) files.chmod(`${devices}/${name}`, mode);
}
