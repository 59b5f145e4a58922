import assert from "node:assert/strict";
import { waitFor } from "../support/mod.ts";
import { type GuestNode, type Lab, type NodeOptions, nodeTest } from "./harness/mod.ts";
import { undeclaredMount } from "./undeclared_mount.ts";

const PACT = { profile: "pact" } as const;

const SPEC = `
[vcluster.demo.files]
"/etc/motd" = { content = "declared\\n", mode = "0644" }
[vcluster.demo.policy]
enforcement_mode = "enforce"
`;

/** A node whose network nobody has made before its agent. */
async function startAlone(lab: Lab, networkWord: string, more: NodeOptions = {}) {
  return await lab.startNode("node-1", {
    fromPowerOn: true,
    networkWords: [networkWord],
    ...more,
  });
}

async function becomesAsDeclared(lab: Lab, node: GuestNode): Promise<void> {
  await lab.apply(SPEC);
  await node.machine.waitForSerial(/enrollment rejected: NODE_NOT_ENROLLED/, 90_000);
  await lab.enrol(node);
  await lab.until(["status"], /node-1 .*COMMITTED/, 60_000);
}

nodeTest(
  "CLD-1, NET-2, OBS-9: the agent loads the drivers and gets its address by DHCP, the node is as declared, and nothing of its boot is drift",
  PACT,
  async (lab) => {
    const observer = { baseline_enabled: true };
    const node = await startAlone(lab, "pact.net=eth0,dhcp", { observer });
    await becomesAsDeclared(lab, node);
    const serial = await node.machine.serialLog();
    assert.match(serial, /drivers loaded .*modules=[1-9]/);
    assert.match(serial, /boot complete .*InitHardware \d+, ConfigureNetwork \d+, LoadIdentity/);
    assert.match(await node.console.read("ip -4 address show eth0"), /10\.0\.2\.15\/24/);
    assert.match(await node.console.read("ip route"), /^default via 10\.0\.2\.2 dev eth0/m);
    assert.match(await node.readFile("/etc/resolv.conf"), /nameserver 10\.0\.2\.3/);
    const audit = await node.readFile("/run/pact/state/audit.log");
    for (const action of ["network.configured", "boot.phase_complete", "boot.ready"]) {
      assert.ok(audit.includes(action), action);
    }
    const place = await undeclaredMount(lab, node);
    const drift = await lab.pact("diff", "node-1");
    assert.match(drift, new RegExp(`^ +\\+ mounts: ${place}: [^\n]*\n$`));
    await lab.until(["log", "-n", "50"], new RegExp(`DRIFT_DETECTED .*drift: mounts:${place}\\]`));
    assert.equal((await lab.pact("log", "-n", "50")).match(/DRIFT_DETECTED/g)?.length, 1);
  },
);

nodeTest(
  "NET-2, BTS-13: a fixed address of the kernel's command line, and an agent that finds it again",
  PACT,
  async (lab) => {
    const node = await startAlone(lab, "pact.net=eth0,10.0.2.15/24,10.0.2.2");
    await becomesAsDeclared(lab, node);
    const before = await node.console.read("ip -4 address show eth0; ip route");
    const from = (await node.machine.serialLog()).length;
    await node.console.read(`kill -9 $(pidof -s deno)`);
    await node.machine.waitForSerial(/boot complete/, 60_000, from);
    assert.equal(await node.console.read("ip -4 address show eth0; ip route"), before);
    assert.equal(await lab.pact("exec", "node-1", "--", "hostname"), "node-1\n");
  },
);

nodeTest(
  "NET-6, BTS-3: without its interface the boot fails by name, again and again, with the console open",
  PACT,
  async (lab) => {
    const node = await startAlone(lab, "pact.net=eth7,10.0.2.15/24,10.0.2.2");
    await node.machine.waitForSerial(
      /boot phase ConfigureNetwork failed, retry 1\/30: .*eth7: no interface of this name within 5 s/,
      90_000,
    );
    await node.machine.waitForSerial(/ConfigureNetwork failed, retry 2\/30/, 60_000);
    assert.equal(await node.console.read("cat /proc/1/comm"), "pact-init\n");
    assert.doesNotMatch(await node.machine.serialLog(), /LoadIdentity/);
  },
);

nodeTest(
  "NET-8: a wrong address from the overlay is taken back by the node itself, and told",
  PACT,
  async (lab) => {
    const node = await startAlone(lab, "pact.net=eth0,10.0.2.15/24,10.0.2.2");
    await becomesAsDeclared(lab, node);
    await lab.apply(`${SPEC}
[vcluster.demo.network.eth0]
address = "192.168.77.5/24"
gateway = "192.168.77.1"
role = "management"
`);
    await node.machine.waitForSerial(/network changed back/, 90_000);
    await lab.until(
      ["status", "node-1"],
      /Unavailable: network:eth0 not applied: reverted: no journal reached/,
      60_000,
    );
    assert.match(await node.console.read("ip -4 address show eth0"), /10\.0\.2\.15\/24/);
  },
);

const plug = (node: GuestNode, up: boolean) =>
  node.machine.qmp.execute("set_link", { name: "net", up });

nodeTest(
  "NET-4, NET-10: a cable that is plugged in late, pulled and plugged in again",
  PACT,
  async (lab) => {
    const node = await startAlone(lab, "pact.net=eth0,dhcp");
    await plug(node, false);
    await node.machine.waitForSerial(/eth0: no carrier within 10 s/, 90_000);
    await plug(node, true);
    await becomesAsDeclared(lab, node);
    await plug(node, false);
    await node.machine.waitForSerial(/link lost interface=eth0/, 30_000);
    await plug(node, true);
    await node.machine.waitForSerial(/link restored interface=eth0/, 30_000);
    assert.equal(await lab.pact("exec", "node-1", "--", "hostname"), "node-1\n");
  },
);

/** How a connection to the agent's port at an address of the node's own ends: 124 is still open. */
const connectionTo = (address: string) =>
  `timeout 5 bash -c 'exec 3<>/dev/tcp/${address}/9445; cat <&3' > /dev/null 2>&1; echo $?`;

const DEVICES = `[vcluster.demo.devices]
"kmsg" = { mode = "0640", group = "adm" }
"ze*" = { mode = "0600", owner = "nobody" }
`;
const ACCESS = "stat -c '%a %U:%G' /dev/kmsg /dev/zero";

/** Whether a user without privilege may read a device. */
async function isOpen(node: GuestNode): Promise<boolean> {
  const asGames = "setpriv --reuid games --clear-groups head -c 1 /dev/zero >/dev/null";
  return (await node.console.run(asGames)).status === 0;
}

/** The modes that /dev/zero has from the end of an agent until the next one is ready. */
async function modesOverRestart(node: GuestNode): Promise<string> {
  const from = (await node.machine.serialLog()).length;
  const look = "while sleep 0.02; do stat -c %a /dev/zero; done";
  await node.console.read(`(${look}) >/run/modes 2>&1 & echo $! >/run/looking`);
  await node.console.read(`kill -9 ${await node.agent()}`);
  await node.machine.waitForSerial(/agent ready/, 60_000, from);
  return await node.console.read("kill $(cat /run/looking); sort -u /run/modes");
}

nodeTest(
  "NET-7, NET-12, CLD-3: an interface that comes later has its address and service then, and lets nobody in; devices have the access that is declared while it is",
  PACT,
  async (lab) => {
    const node = await startAlone(lab, "pact.net=eth0,dhcp");
    await becomesAsDeclared(lab, node);
    const before = await node.console.read(ACCESS);
    await lab.apply(`${SPEC}
[vcluster.demo.network.hsn0]
address = "10.8.0.2/24"
role = "hsn"
${DEVICES}
[vcluster.demo.services.fabric]
binary = "/usr/bin/sleep"
args = ["86400"]
needs_network = ["hsn0"]
`);
    await lab.until(
      ["service", "status", "--node", "node-1"],
      /fabric +Starting/,
      60_000,
    );
    await node.console.read("ip link add hsn0 type veth peer name end0; ip link set end0 up");
    await lab.until(["status"], /node-1 .*COMMITTED .*1\/1/, 60_000);
    assert.match(await node.console.read("ip -4 address show hsn0"), /10\.8\.0\.2\/24/);
    assert.equal(await node.console.read(connectionTo("10.0.2.15")), "124\n");
    assert.notEqual(await node.console.read(connectionTo("10.8.0.2")), "124\n");
    assert.ok(!await isOpen(node));
    assert.equal(await node.console.read(ACCESS), "640 root:adm\n600 nobody:root\n");
    await lab.apply(`${SPEC}
[vcluster.demo.devices]
remove = ["kmsg", "ze*"]
`);
    await waitFor(async () => await node.console.read(ACCESS) === before, {
      timeoutMs: 60_000,
      what: "the devices to be as they were",
    });
    assert.ok(await isOpen(node));
    await lab.apply(`${SPEC}\n${DEVICES}`);
    await waitFor(async () => !await isOpen(node), { timeoutMs: 60_000, what: "the rules again" });
    assert.equal(await modesOverRestart(node), "600\n");
  },
);

nodeTest(
  "a node whose power is cut in every phase of its boot is as declared in the end",
  PACT,
  async (lab) => {
    const node = await startAlone(lab, "pact.net=eth0,dhcp");
    await becomesAsDeclared(lab, node);
    for (
      const moment of [
        /agent starting/,
        /boot phase complete .*InitHardware/,
        /boot phase complete .*ConfigureNetwork/,
        /boot phase complete .*LoadIdentity/,
        /boot phase complete .*PullOverlay/,
      ]
    ) {
      const from = (await node.machine.serialLog()).length;
      await node.machine.powerCut();
      await node.machine.waitForSerial(moment, 90_000, from);
    }
    await node.powerCut();
    await lab.until(["status"], /node-1 .*COMMITTED/, 60_000);
    assert.equal(await node.readFile("/etc/motd"), "declared\n");
  },
);
