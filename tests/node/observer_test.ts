import { buildProbe, ShimBuildError } from "../../ffi/build/mod.ts";
import { type GuestNode, type Lab, nodeTest } from "./harness/mod.ts";

const PACT = { profile: "pact" } as const;
const WAIT_MS = 120_000;

const SPEC = `
[vcluster.demo.files]
"/etc/motd" = { content = "declared\\n", mode = "0644" }
[vcluster.demo.sysctl]
"kernel.printk_ratelimit" = "5"
[vcluster.demo.policy]
enforcement_mode = "warn"
`;

async function declaredNode(lab: Lab): Promise<GuestNode> {
  const node = await lab.startNode("node-1");
  await lab.apply(SPEC);
  await lab.enrol(node);
  await lab.until(["status"], /node-1 .*COMMITTED/, WAIT_MS);
  return node;
}

async function logged(lab: Lab, wanted: RegExp): Promise<void> {
  await lab.until(["log", "-n", "50"], wanted, WAIT_MS);
}

nodeTest("OBS-11: the drift of a file names the process that wrote it", PACT, async (lab) => {
  const node = await declaredNode(lab);
  // The shell on the console stays: it is known whenever it is looked at.
  await node.console.read("echo changed >/etc/motd");
  await logged(lab, /drift: files:\/etc\/motd by \w*sh \(pid \d+, uid 0/);
});

if (await isProbeBuilt()) {
  nodeTest(
    "OBS-12: where the kernel takes no BPF programs tracefs names the process of a sysctl's drift",
    PACT,
    async (lab) => {
      const node = await declaredNode(lab);
      // The program without what BPF programs need.
      await node.console.read("mkdir /run/probe && cp /usr/lib/pact/pact-probe /run/probe/");
      await node.console.read(
        `printf '%s\\n' '#!/bin/sh' 'exec setpriv --bounding-set=-sys_admin,-bpf,-perfmon ` +
          `/run/probe/pact-probe "$@"' >/run/probe/without && chmod 755 /run/probe/without`,
      );
      await node.console.read("mount --bind /run/probe/without /usr/lib/pact/pact-probe");
      await withProbes(node, /kernel probes in place.*tracefs/);
      await node.console.read("sysctl -w kernel.printk_ratelimit=7");
      await logged(lab, /drift: kernel:kernel\.printk_ratelimit by sysctl \(pid \d+/);
    },
  );

  nodeTest(
    "OBS-10: with kernel probes the drift of a sysctl names its process",
    PACT,
    async (lab) => {
      const node = await declaredNode(lab);
      await withProbes(node, /kernel probes in place/);
      await node.console.read("sysctl -w kernel.printk_ratelimit=7");
      await logged(lab, /drift: kernel:kernel\.printk_ratelimit by sysctl \(pid \d+, uid 0/);
    },
  );
}

/** Starts the agent again, with kernel probes. */
async function withProbes(node: GuestNode, told: RegExp): Promise<void> {
  await node.console.read(
    "sed -i 's/^\\[agent.observer\\]$/&\\nebpf_enabled = true/' /etc/pact/agent.toml",
  );
  await node.console.read("kill -9 $(pidof -s deno)");
  await node.machine.waitForSerial(told, WAIT_MS);
}

/** Without clang the image has no probes either. */
async function isProbeBuilt(): Promise<boolean> {
  try {
    await buildProbe();
    return true;
  } catch (error) {
    if (!(error instanceof ShimBuildError) || Deno.env.get("CI") === "true") throw error;
    console.error(`kernel probes are not tested: ${error.message.split("\n", 1)[0]}`);
    return false;
  }
}
