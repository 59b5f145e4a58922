/**
 * The same five services for both first programs: the Dev sandbox set, real daemons where Debian has
 * them, small web servers in the place of the others.
 */

const STANDINS = [{ name: "lattice-node-agent", port: 7001 }, { name: "cxi_rh-0", port: 7002 }];

const server = (port: number) => ["httpd", "-f", "-p", `127.0.0.1:${port}`, "-h", "/opt"];

/** What pact is told. */
export const SPEC = `
[vcluster.demo.services.chronyd]
binary = "/usr/sbin/chronyd"
args = ["-n"]
order = 1
[vcluster.demo.services.dbus-daemon]
binary = "/bin/sh"
args = ["-c", "mkdir -p /run/dbus; exec dbus-daemon --system --nofork --nopidfile"]
order = 2
[vcluster.demo.services.cxi_rh-0]
binary = "/usr/bin/busybox"
args = ${JSON.stringify(server(7002))}
order = 3
restart_delay_seconds = 0
[vcluster.demo.services.rasdaemon]
binary = "/usr/sbin/rasdaemon"
args = ["-f"]
order = 4
restart = "OnFailure"
[vcluster.demo.services.lattice-node-agent]
binary = "/usr/bin/busybox"
args = ${JSON.stringify(server(7001))}
order = 10
restart_delay_seconds = 0
`;

/** Files of systemd's side: units for the stand-ins, Debian's own for the daemons. */
export const UNITS: Readonly<Record<string, string>> = Object.fromEntries(
  STANDINS.map(({ name, port }) => [
    `etc/systemd/system/${name}.service`,
    `[Unit]
StartLimitIntervalSec=0
[Service]
Type=exec
ExecStart=/usr/bin/busybox ${server(port).join(" ")}
Restart=always
RestartSec=0
`,
  ]),
);

/** Words of the kernel's command line that have systemd start them, and not the agent. */
export const SYSTEMD_WORDS: readonly string[] = [
  "systemd.mask=pact-agent.service",
  "systemd.wants=dbus.service",
  ...STANDINS.map(({ name }) => `systemd.wants=${name}.service`),
];
