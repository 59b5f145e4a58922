import assert from "node:assert/strict";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";
import { readServiceSpec } from "../../../../agent/supervisor/mod.ts";
import { unitChange } from "../../../../agent/systemd/unit_change.ts";
import {
  serviceOfUnit,
  type UnitFacts,
  unitName,
  unitText,
} from "../../../../agent/systemd/unit_file.ts";
import { needing, tempDir } from "../../../support/mod.ts";

type SpecFields = MessageInitShape<typeof agentport.ServiceSpecSchema>;

const FACTS: UnitFacts = {
  place: { nodeId: "node-7", vclusterId: "ml" },
  overlayVersion: 12n,
  after: [],
  disks: [],
};

function text(fields: SpecFields, facts: Partial<UnitFacts> = {}): string {
  const spec = create(agentport.ServiceSpecSchema, {
    name: "chronyd",
    binary: "/usr/sbin/chronyd",
    restartDelaySeconds: 5,
    ...fields,
  });
  return unitText(readServiceSpec(spec), { ...FACTS, ...facts });
}

const PLAIN = `\
# Written by pact-agent; changes are lost.
# pact-chronyd.service, overlay version 12.

[Unit]
Description=pact service chronyd
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart="/usr/sbin/chronyd" "-d"
Restart=always
RestartSec=5
WorkingDirectory=/
Environment="PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Environment="LANG=C.UTF-8"
Environment="PACT_NODE_ID=node-7"
Environment="PACT_VCLUSTER=ml"
Slice=pact-infra.slice
KillSignal=SIGTERM
TimeoutStopSec=10
OOMPolicy=kill
OOMScoreAdjust=-250
LimitNOFILE=65536:65536
UMask=0022
`;

const FULL = `\
# Written by pact-agent; changes are lost.
# pact-cxi_rh-0.service, overlay version 12.

[Unit]
Description=pact service cxi_rh-0
Requires=pact-dbus-daemon.service
After=pact-dbus-daemon.service pact-chronyd.service
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
TimeoutStartSec=45
WatchdogSec=20
ExecStart="/opt/cray/bin/cxi_rh" "--device" "cxi0"
Restart=on-failure
RestartSec=1
User=4711
Group=4712
WorkingDirectory=/opt/50%%
Environment="PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Environment="LANG=C.UTF-8"
Environment="PACT_NODE_ID=node-7"
Environment="PACT_VCLUSTER=ml"
Environment="GREETING=a \\"b\\" 100%% $HOME \\\\n"
Slice=pact-network.slice
MemoryMax=134217728
CPUWeight=200
TasksMax=64
IOReadBandwidthMax=/dev/vda 1048576
IOWriteBandwidthMax=/dev/vda 1048576
KillSignal=SIGINT
TimeoutStopSec=30
OOMPolicy=kill
OOMScoreAdjust=-250
LimitNOFILE=512:1024
LimitCORE=infinity:infinity
UMask=0022
`;

const FULL_SPEC: SpecFields = {
  name: "cxi_rh-0",
  binary: "/opt/cray/bin/cxi_rh",
  args: ["--device", "cxi0"],
  restart: agentport.RestartPolicy.ON_FAILURE,
  restartDelaySeconds: 1,
  dependsOn: ["dbus-daemon"],
  order: 3,
  user: "4711:4712",
  cgroupSlice: "network",
  memoryMaxBytes: 134217728n,
  cpuWeight: 200,
  pidsMax: 64n,
  ioMax: 1048576n,
  env: { GREETING: 'a "b" 100% $HOME \\n' },
  workingDirectory: "/opt/50%",
  stopSignal: "SIGINT",
  stopTimeoutSeconds: 30,
  notify: true,
  readyTimeoutSeconds: 45,
  watchdogSeconds: 20,
  rlimits: { nofile: { soft: 512n, hard: 1024n }, core: {} },
};
const FULL_FACTS = { after: ["chronyd"], disks: ["/dev/vda"] };

/** Arguments that a careless writer of units would let out of their place. */
const HOSTILE = [
  "$HOME",
  "${PATH}",
  "100%",
  "%n",
  'quote"inside',
  "it's",
  "back\\slash",
  "trailing\\",
  ";",
  "\\;",
  "# no comment",
  "",
  " ",
  "tab\there",
  "\u001b[31mred",
  "-",
  "@/bin/false",
  "--option=a b",
  "größer",
  "|| reboot",
];

Deno.test("SYD-1, SYD-2, ACC-A8: a plain declaration becomes this unit", () => {
  assert.equal(text({ args: ["-d"] }), PLAIN);
});

Deno.test("SYD-2, ACC-A8: every field of a declaration has its place in the unit", () => {
  assert.equal(text(FULL_SPEC, FULL_FACTS), FULL);
  assert.match(text({ restart: agentport.RestartPolicy.NEVER }), /^Restart=no$/m);
  assert.match(text({ user: "munge" }), /^User=munge\nWorkingDirectory/m);
});

Deno.test("SYD-3, ACC-A8: hostile arguments stay arguments", () => {
  const line = text({ args: HOSTILE }).split("\n").find((line) => line.startsWith("ExecStart="));
  assert.equal(
    line,
    'ExecStart="/usr/sbin/chronyd" "$$HOME" "$${PATH}" "100%%" "%%n" "quote\\"inside" "it\'s" ' +
      '"back\\\\slash" "trailing\\\\" ";" "\\\\;" "# no comment" "" " " "tab\\x09here" ' +
      '"\\x1b[31mred" "-" "@/bin/false" "--option=a b" "größer" "|| reboot"',
  );
});

Deno.test("SYD-3: what a unit cannot express is refused, and names that mean something else too", () => {
  const refused = { name: "UnitTextError" };
  assert.throws(() => text({ args: ["a\nExecStartPost=/bin/false"] }), refused);
  assert.throws(() => text({ args: ["a\rb"] }), refused);
  assert.throws(() => text({ env: { A: "x\n[Service]" } }), refused);
  assert.throws(() => text({ workingDirectory: "/a\nUser=root" }), refused);
  assert.throws(() => text({ workingDirectory: "/a\\" }), refused);
  assert.throws(() => text({ binary: "/opt/$HOME/x" }), refused);
  for (const name of ["agent", "journal", "mcp", "a@b", "a@"]) {
    assert.throws(() => unitName(name), refused, name);
  }
  assert.equal(serviceOfUnit("pact-agent.service"), null);
  assert.equal(serviceOfUnit("sshd.service"), null);
  assert.equal(serviceOfUnit("pact-cxi_rh-0.service"), "cxi_rh-0");
});

Deno.test("SVC-7: another overlay version is no change, limits are taken over, a program is restarted", () => {
  const before = text({ args: ["-d"] });
  assert.equal(unitChange(before, text({ args: ["-d"] }, { overlayVersion: 13n })), "none");
  assert.equal(unitChange(before, text({ args: ["-d"], memoryMaxBytes: 1n << 27n })), "reload");
  assert.equal(unitChange(before, text({ args: ["-d"], stopTimeoutSeconds: 3 })), "reload");
  assert.equal(unitChange(before, text({ args: ["-x"] })), "restart");
  assert.equal(unitChange(before, text({ args: ["-d"], user: "nobody" })), "restart");
});

const ANALYZE = "/usr/bin/systemd-analyze";

async function hasAnalyze(): Promise<boolean> {
  return await Deno.stat(ANALYZE).then((found) => found.isFile, () => false);
}

Deno.test({
  ...needing(await hasAnalyze(), ANALYZE, "ACC-A8: systemd finds nothing wrong with such units"),
  fn: async () => {
    await using dir = await tempDir();
    const write = async (unit: string, content: string) =>
      await Deno.writeTextFile(dir.file(unit), content);
    const binary = "/bin/true";
    await write("pact-chronyd.service", text({ binary }));
    await write("pact-dbus-daemon.service", text({ name: "dbus-daemon", binary, args: HOSTILE }));
    await write("pact-cxi_rh-0.service", text({ ...FULL_SPEC, binary }, FULL_FACTS));
    const { code, stderr } = await new Deno.Command(ANALYZE, {
      args: ["verify", "--man=no", "--generators=no", dir.file("pact-cxi_rh-0.service")],
      env: { SYSTEMD_UNIT_PATH: `${dir.path}:` },
    }).output();
    const complaints = new TextDecoder().decode(stderr).split("\n")
      .filter((line) => line.includes("pact-"));
    assert.deepEqual(complaints, [], `systemd-analyze ended with ${code}`);
  },
});
