/** An agent that carries out shell commands, and beats when it is told to. */
import { NamespaceNode, type NamespaceNodeOptions } from "./namespace_node.ts";

/**
 * Each start adds a line "PID FORMER WATCHDOG" to `starts`; each line of the FIFO `commands` is run.
 * Signals that an agent takes add their name to `signals`.
 */
const AGENT = `#!/bin/sh
cd /run/t
[ -p commands ] || mkfifo commands
exec 9<>commands
for name in TERM INT HUP PWR USR2; do trap "echo $name >> signals" $name; done
echo "$$ $PACT_INIT_FORMER $PACT_INIT_WATCHDOG" >> starts
while :; do
  if IFS= read -r command <&9; then eval "$command"; fi
done
`;

/** See the top of the file. */
export class ScriptedAgent implements AsyncDisposable {
  #commands: Deno.FsFile | undefined;

  private constructor(readonly node: NamespaceNode) {}

  /** Starts PID 1, and resolves when its agent takes commands. */
  static async start(
    options: Omit<NamespaceNodeOptions, "agent"> & { readonly agent?: string },
  ): Promise<ScriptedAgent> {
    const agent = new ScriptedAgent(await NamespaceNode.start({ agent: AGENT, ...options }));
    if (options.agent === undefined) await agent.untilStarts(1);
    return agent;
  }

  /** How often it was started, and what each was told. */
  get starts(): readonly { pid: number; former: string; watchdog: string }[] {
    return this.node.read("starts").split("\n").filter((line) => line !== "").map((line) => {
      const [, pid, former = "", watchdog = ""] =
        /^(\d+) (none|upgrade|\w+ \d+) (.*)$/.exec(line) ?? [];
      return { pid: Number(pid), former, watchdog };
    });
  }

  /** Waits until it was started so often; the last start. */
  async untilStarts(count: number): Promise<{ pid: number; former: string; watchdog: string }> {
    return await this.node.until(`start ${count} of the agent`, () => this.starts[count - 1]);
  }

  /** Has it run a shell command; does not wait for that. */
  async tell(command: string): Promise<void> {
    this.#commands ??= await Deno.open(this.node.file("commands"), { read: true, write: true });
    await this.#commands.write(new TextEncoder().encode(`${command}\n`));
  }

  /** Writes to PID 1. */
  async say(bytes: string): Promise<void> {
    await this.tell(`printf ${bytes} >&3`);
  }

  /** Beats until the agent ends. */
  async beat(): Promise<void> {
    await this.tell("while printf B; do sleep 0.05; done >&3 & beater=$!");
  }

  /** Has it start a service, in a session and a cgroup of its own; its pid. */
  async startService(name: string, command = "exec sleep 1000"): Promise<number> {
    const scope = `/sys/fs/cgroup/pact.slice/${name}.scope`;
    const begin = `mkdir ${scope}; echo $$ > ${scope}/cgroup.procs; ${this.#tellPid(name)}`;
    return await this.#startSession(name, `${begin}; ${command}`);
  }

  /** Has it start a program in its own cgroup; its pid. */
  async startHelper(name: string): Promise<number> {
    return await this.#startSession(name, `${this.#tellPid(name)}; exec sleep 1000`);
  }

  #tellPid(name: string): string {
    return `echo $$ > ${name}.new; mv ${name}.new ${name}`;
  }

  async #startSession(name: string, script: string): Promise<number> {
    await this.tell(`setsid sh -c '${script}' 3>&- 9>&- &`);
    const read = () => this.node.read(name).trim() || undefined;
    return Number(await this.node.until(`process ${name}`, read));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#commands?.close();
    await this.node[Symbol.asyncDispose]();
  }
}
