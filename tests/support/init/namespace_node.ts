/**
 * PID 1 of fresh PID, mount, IPC, UTS and cgroup namespaces. It owns a directory, a cgroup and every
 * process in them, and ends with its scope. `/run/t` inside is the directory, `/dev` a fresh one whose
 * console, kernel log and watchdog (a FIFO) lead to files there.
 */
import { needing } from "../needing.ts";
import { type TempDir, tempDir } from "../temp_dir.ts";
import { waitFor, type WaitOptions } from "../wait_for.ts";

/** What runs as PID 1, and around it. */
export interface NamespaceNodeOptions {
  /** The program that becomes PID 1. */
  readonly init: string;
  /** Script of a shell that becomes the agent; it is at `/run/t/agent`. */
  readonly agent: string;
  /** Shell commands run in the namespaces before PID 1 starts. */
  readonly prepare?: string;
  readonly hasWatchdog?: boolean;
  /** Makes further files in its directory. */
  readonly fill?: (directory: string) => Promise<void>;
  /** Words after the one that names the agent. */
  readonly args?: readonly string[];
  /** A program and its arguments that starts it all, such as `ip netns exec NAME`. */
  readonly through?: readonly string[];
}

const PREPARE = `
mount --bind "$T" "$T/inner"
mount -t tmpfs none /dev
mknod /dev/null c 1 3; mknod /dev/zero c 1 5; mknod /dev/full c 1 7
mknod /dev/random c 1 8; mknod /dev/urandom c 1 9
ln -s /proc/self/fd /dev/fd
for name in console kmsg; do touch /dev/$name; mount --bind "$T/$name" /dev/$name; done
if [ -p "$T/watchdog" ]; then touch /dev/watchdog; mount --bind "$T/watchdog" /dev/watchdog; fi
umount -R -l /sys/fs/cgroup 2>>"$T/kmsg" || true
mount -t tmpfs -o mode=0755 none /run
mkdir /run/t /run/pact
mount --move "$T/inner" /run/t
mount --bind /run/t/run /run/pact
`;

/** Whether this machine lets this user make what a {@link NamespaceNode} is made of. */
async function canMakeNamespaces(): Promise<boolean> {
  if (Deno.uid() !== 0 || cgroupRoot() === undefined) return false;
  try {
    const args = ["--pid", "--fork", "--mount", "--mount-proc", "--cgroup", "true"];
    return (await new Deno.Command("unshare", { args, stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function cgroupRoot(): string | undefined {
  return Deno.readTextFileSync("/proc/self/mounts").split("\n").map((line) => line.split(" "))
    .find(([, , type]) => type === "cgroup2")?.[1];
}

const isPossible = await canMakeNamespaces();

/** Name and `ignore` of a test that needs a {@link NamespaceNode}; in CI it is never ignored. */
export function needingNamespaces(
  name: string,
): { readonly name: string; readonly ignore: boolean } {
  const isMet = isPossible || Deno.env.get("CI") === "true";
  return needing(isMet, "root, unshare and cgroup v2", name);
}

/** See the top of the file. */
export class NamespaceNode implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #watchdogReader: Deno.ChildProcess | undefined;
  readonly #cgroup: string;
  readonly #ended: Promise<Deno.CommandStatus>;
  #hasEnded = false;

  private constructor(
    private readonly directory: TempDir,
    { init, prepare = "", hasWatchdog = false, args = [], through = [] }: NamespaceNodeOptions,
  ) {
    this.#cgroup = `${cgroupRoot()}/pact-init-${crypto.randomUUID().slice(0, 8)}`;
    Deno.mkdirSync(this.#cgroup);
    this.#watchdogReader = hasWatchdog
      ? new Deno.Command("sh", {
        args: ["-c", `exec cat watchdog > pets`],
        cwd: directory.path,
      }).spawn()
      : undefined;
    const unshare = "--pid --fork --kill-child --mount --mount-proc --ipc --uts --cgroup";
    const inner = `set -e; cd /; ${PREPARE}${prepare}\nexec "$0" --agent=/run/t/agent "$@"`;
    this.#process = new Deno.Command("sh", {
      args: [
        "-c",
        `echo $$ > "$0/cgroup.procs"; exec "$@"`,
        this.#cgroup,
        ...through,
        "unshare",
        ...unshare.split(" "),
        "sh",
        "-c",
        inner,
        init,
        ...args,
      ],
      env: { T: directory.path },
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    this.#ended = this.#process.status.then((status) => {
      this.#hasEnded = true;
      return status;
    });
  }

  /** Starts PID 1; resolves at once. */
  static async start(options: NamespaceNodeOptions): Promise<NamespaceNode> {
    const directory = await tempDir();
    for (const name of ["console", "kmsg", "pets"]) {
      await Deno.writeTextFile(directory.file(name), "");
    }
    for (const name of ["inner", "run"]) await Deno.mkdir(directory.file(name));
    await Deno.writeTextFile(directory.file("agent"), options.agent, { mode: 0o755 });
    if (options.hasWatchdog) {
      await new Deno.Command("mkfifo", { args: [directory.file("watchdog")] }).output();
    }
    await options.fill?.(directory.path);
    return new NamespaceNode(directory, options);
  }

  /** A file that is in `/run/t` inside. */
  file(name: string): string {
    return this.directory.file(name);
  }

  /** Its text; empty while there is none. */
  read(name: string): string {
    try {
      return Deno.readTextFileSync(this.file(name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  }

  /** What PID 1 said on the console. */
  get console(): string {
    return this.read("console");
  }

  /** Bytes the watchdog was given: K to be petted, V to be disarmed. */
  get pets(): string {
    return this.read("pets");
  }

  /** How PID 1 ended. The kernel shows reboot as SIGHUP, power off and halt as SIGINT (reboot(2)). */
  get ended(): Promise<Deno.CommandStatus> {
    return this.#ended;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Waits for a condition, and shows the console where it does not come. */
  async until<T>(what: string, condition: () => T | Promise<T>, limits: Partial<WaitOptions> = {}) {
    try {
      return await waitFor(condition, { ...limits, what });
    } catch (error) {
      throw new Error(`${String(error)}; console:\n${this.console}`, { cause: error });
    }
  }

  /** Runs a shell command inside, beside PID 1; its standard output. */
  async run(command: string): Promise<string> {
    const pid = await this.#pidOutside();
    const { success, stdout, stderr } = await new Deno.Command("nsenter", {
      args: ["--target", pid, "--pid", "--mount", "--cgroup", "sh", "-c", command],
      stdin: "null",
    }).output();
    if (success) return new TextDecoder().decode(stdout).trim();
    throw new Error(`${command}: ${new TextDecoder().decode(stderr)}`);
  }

  async signalInit(signal: Deno.Signal): Promise<void> {
    Deno.kill(Number(await this.#pidOutside()), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) this.#process.kill("SIGKILL");
    await this.#ended;
    if (this.#watchdogReader !== undefined) {
      try {
        this.#watchdogReader.kill("SIGKILL");
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // It ended with its writer.
      }
      await this.#watchdogReader.status;
    }
    await waitFor(() => removeCgroup(this.#cgroup), { what: "the cgroups to be empty" });
    await this.directory[Symbol.asyncDispose]();
  }

  #pidOutside(): Promise<string> {
    const { pid } = this.#process;
    return waitFor(
      () => Deno.readTextFileSync(`/proc/${pid}/task/${pid}/children`).split(" ")[0] || undefined,
      { what: "PID 1" },
    );
  }
}

/** Removes a cgroup and those in it; true when that worked. */
function removeCgroup(path: string): boolean {
  for (const entry of Deno.readDirSync(path)) {
    if (entry.isDirectory) removeCgroup(`${path}/${entry.name}`);
  }
  Deno.removeSync(path);
  return true;
}
