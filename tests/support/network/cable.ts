import assert from "node:assert/strict";
import { waitFor } from "../wait_for.ts";

/** The namespace at the far end of a cable. */
export interface Peer {
  /** What a command is started through to run there. */
  readonly through: readonly string[];
  /** Runs a command there to its end and answers its output. */
  run(...command: string[]): Promise<string>;
}

/** A pair of virtual Ethernet interfaces: one end here, the other in a namespace of its own. */
export interface Cable extends AsyncDisposable {
  /** Name of the near end; the far one is `far0`. */
  readonly near: string;
  readonly peer: Peer;
}

/** Lays a cable whose near end is down and without address, and whose far end is up with one. */
export async function layCable(
  { near = "near0", farAddress }: { near?: string; farAddress?: string } = {},
): Promise<Cable> {
  const holder = new Deno.Command("unshare", {
    args: ["--net", "sleep", "300"],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const own = await Deno.readLink("/proc/self/ns/net");
  await waitFor(async () => await Deno.readLink(`/proc/${holder.pid}/ns/net`) !== own, {
    what: "a namespace of its own",
  });
  const through = ["nsenter", `--target=${holder.pid}`, "--net"];
  const peer: Peer = { through, run: (...command) => run([...through, ...command]) };
  const pid = String(holder.pid);
  await run(["ip", "link", "add", near, "type", "veth", "peer", "name", "far0", "netns", pid]);
  await peer.run("ip", "link", "set", "lo", "up");
  await peer.run("ip", "link", "set", "far0", "up");
  if (farAddress !== undefined) await peer.run("ip", "address", "add", farAddress, "dev", "far0");
  return {
    near,
    peer,
    async [Symbol.asyncDispose]() {
      await run(["ip", "link", "del", near]).catch(() => {});
      holder.kill("SIGKILL");
      await holder.status;
    },
  };
}

async function run([program = "", ...args]: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const decoder = new TextDecoder();
  assert.ok(success, `${program} ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}
