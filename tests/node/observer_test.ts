import assert from "node:assert/strict";
import { buildProbe, ShimBuildError } from "../../ffi/build/mod.ts";
import { type GuestNode, type Lab, nodeTest } from "./harness/mod.ts";
import { undeclaredMount } from "./undeclared_mount.ts";

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

/** A tmpfs, a library of the kernel that nothing needs, and an address beside loopback's own. */
const UNDECLARED = {
  mount: "mkdir -p /mnt/scratch && mount -t tmpfs -o size=1m work /mnt/scratch",
  module: "modprobe pktgen",
  address: ["ip", "address", "add", "192.0.2.7/32", "dev", "lo"],
} as const;

nodeTest(
  "OBS-9, RBK-1, WIN-6: mounts, modules and addresses that nobody declared are drift, taken back by a rollback and kept by a commit",
  PACT,
  async (lab) => {
    const node = await declaredNode(lab);
    await withBaseline(lab, node);
    const isThere = async () => [
      (await node.console.run("grep ' /mnt/scratch ' /proc/mounts")).status === 0,
      (await node.console.run("grep '^pktgen ' /proc/modules")).status === 0,
      (await node.console.read("ip address show lo")).includes("inet 192.0.2.7/32"),
    ];
    const drifts = async (byHand: () => Promise<unknown>, ...wanted: RegExp[]) => {
      await byHand();
      for (const each of wanted) await lab.until(["diff", "node-1"], each);
    };
    const change = () =>
      drifts(
        async () => {
          await node.console.read(`${UNDECLARED.mount} && ${UNDECLARED.module}`);
          await lab.pact("exec", "node-1", "--", ...UNDECLARED.address);
        },
        /\+ mounts: \/mnt\/scratch: tmpfs:work/,
        /\+ kernel: module:pktgen: loaded/,
        /\+ network: lo: .*"192\.0\.2\.7\/32"/,
      );

    await change();
    await lab.until(["status", "node-1"], /Drift: mounts\(.*network\(.*kernel\(/);
    await logged(lab, /drift: .*network:lo by ana, ip \(pid \d+, uid 0, session /);
    // Drift goes back to what is declared for the vCluster.
    const declared = /^#(\d+) .* COMMIT +vc:demo /m.exec(await lab.pact("log", "-n", "50"))?.[1];
    await lab.pact("rollback", declared ?? "", "--node", "node-1");
    await lab.until(["status"], /node-1 .*COMMITTED/);
    assert.deepEqual(await isThere(), [false, false, false]);

    await change();
    await lab.pact("commit", "--node", "node-1", "-m", "Room to measure");
    await lab.until(["status"], /node-1 .*COMMITTED/);
    assert.deepEqual(await isThere(), [true, true, true]);
    assert.match(await node.console.read("ip address show lo"), /127\.0\.0\.1\/8[^]*::1\/128/);
    await drifts(
      () => node.console.read("umount /mnt/scratch && ip address del 192.0.2.7/32 dev lo"),
      /- mounts: \/mnt\/scratch/,
      /~ network: lo: /,
    );
  },
);

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

/** Starts the agent again, with a setting of its observer. */
async function startAgain(node: GuestNode, setting: string): Promise<void> {
  await node.console.read(
    `sed -i 's/^\\[agent.observer\\]$/&\\n${setting}/' /etc/pact/agent.toml`,
  );
  await node.console.read("kill -9 $(pidof -s deno)");
}

async function withProbes(node: GuestNode, told: RegExp): Promise<void> {
  await startAgain(node, "ebpf_enabled = true");
  await node.machine.waitForSerial(told, WAIT_MS);
}

/** What nobody declared counts from now on. */
async function withBaseline(lab: Lab, node: GuestNode): Promise<void> {
  const from = (await node.machine.serialLog()).length;
  await startAgain(node, "baseline_enabled = true");
  await node.machine.waitForSerial(/agent ready/, WAIT_MS, from);
  await node.console.read(`umount ${await undeclaredMount(lab, node)}`);
  await lab.until(["status"], /node-1 .*COMMITTED/);
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
