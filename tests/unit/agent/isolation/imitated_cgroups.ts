import type { CgroupTree } from "../../../../agent/isolation/mod.ts";
import type { Files } from "../../../../ffi/mod.ts";

const CONTROLLERS = "cpu io memory pids";

const CONTROL_FILES: Readonly<Record<string, string>> = {
  "cgroup.controllers": CONTROLLERS,
  "cgroup.subtree_control": "",
  "cgroup.procs": "",
  "cgroup.events": "populated 0\nfrozen 0\n",
  "cgroup.kill": "",
  "memory.max": "max",
  "memory.high": "max",
  "memory.min": "0",
  "memory.current": "4096",
  "memory.peak": "8192",
  "memory.events": "low 0\noom 0\noom_kill 0\n",
  "memory.oom.group": "0",
  "cpu.weight": "100",
  "cpu.stat": "usage_usec 1500\n",
  "pids.max": "max",
  "io.max": "",
};

/**
 * A directory that looks like a cgroup v2 hierarchy with all controllers: new directories come with
 * their control files, `cgroup.kill` empties a cgroup, and rmdir takes the files along (NC-2).
 */
export class ImitatedCgroups implements CgroupTree {
  readonly #files: Files;
  /** Control files whose writing fails. */
  readonly broken = new Set<string>();
  /** Cgroups whose processes survive a kill. */
  readonly unkillable = new Set<string>();
  readonly written: string[] = [];

  constructor(files: Files, root: string) {
    this.#files = files;
    this.#populate(root);
  }

  /** Puts processes into a cgroup. */
  fill(directory: string, ...pids: number[]): void {
    const set = (file: string, text: string) =>
      this.#files.writeExisting(`${directory}/${file}`, text, { truncate: true });
    set("cgroup.procs", pids.map((pid) => `${pid}\n`).join(""));
    set("cgroup.events", `populated ${pids.length > 0 ? 1 : 0}\nfrozen 0\n`);
  }

  readText: CgroupTree["readText"] = (path, options) => this.#files.readText(path, options);
  lstatIfPresent: CgroupTree["lstatIfPresent"] = (path) => this.#files.lstatIfPresent(path);
  list: CgroupTree["list"] = (path, options) => this.#files.list(path, options);

  writeExisting: CgroupTree["writeExisting"] = (path, data) => {
    const file = path.slice(path.lastIndexOf("/") + 1);
    const directory = path.slice(0, path.lastIndexOf("/"));
    // A directory cannot be written: the error comes from the kernel and is a real one.
    if (this.broken.has(file)) return this.#files.writeExisting(directory, data);
    this.#files.writeExisting(path, data, { truncate: true });
    this.written.push(`${path} ${data}`);
    if (file === "cgroup.kill" && !this.unkillable.has(directory)) this.fill(directory);
  };

  mkdir: CgroupTree["mkdir"] = (path, mode) => {
    this.#files.mkdir(path, mode);
    this.#populate(path);
  };

  rmdir: CgroupTree["rmdir"] = (path) => {
    for (const name of Object.keys(CONTROL_FILES)) this.#files.unlink(`${path}/${name}`);
    this.#files.rmdir(path);
  };

  #populate(directory: string): void {
    for (const [name, text] of Object.entries(CONTROL_FILES)) {
      Deno.writeTextFileSync(`${directory}/${name}`, text);
    }
  }
}
