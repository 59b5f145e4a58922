/**
 * The same five services for every first program: the Dev sandbox set, real daemons where Debian has
 * them, small web servers in the place of the others.
 */
import { stringify } from "smol-toml";

const LATTICE = { name: "lattice-node-agent", port: 7001 };
const CXI_RH = { name: "cxi_rh-0", port: 7002 };

const SERVER = "/usr/bin/busybox";
const server = (port: number) => ["httpd", "-f", "-p", `127.0.0.1:${port}`, "-h", "/opt"];

const DBUS = "mkdir -p /run/dbus; exec dbus-daemon --system --nofork --nopidfile";

/** What pact is told of each, by its name. */
export const SERVICES: Readonly<Record<string, Service>> = {
  "chronyd": { binary: "/usr/sbin/chronyd", args: ["-n"], order: 1 },
  "dbus-daemon": { binary: "/bin/sh", args: ["-c", DBUS], order: 2 },
  [CXI_RH.name]: {
    binary: SERVER,
    args: server(CXI_RH.port),
    order: 3,
    restart_delay_seconds: 0,
  },
  "rasdaemon": { binary: "/usr/sbin/rasdaemon", args: ["-f"], order: 4, restart: "OnFailure" },
  [LATTICE.name]: {
    binary: SERVER,
    args: server(LATTICE.port),
    order: 10,
    restart_delay_seconds: 0,
  },
};

interface Service {
  readonly binary: string;
  readonly args: string[];
  readonly order: number;
  readonly restart?: string;
  readonly restart_delay_seconds?: number;
}

/** What pact is told, as a spec to be applied. */
export const SPEC: string = stringify({ vcluster: { demo: { services: SERVICES } } });

/** Files of systemd's side: units for the stand-ins, Debian's own for the daemons. */
export const UNITS: Readonly<Record<string, string>> = Object.fromEntries(
  [LATTICE, CXI_RH].map(({ name, port }) => [
    `etc/systemd/system/${name}.service`,
    `[Unit]
StartLimitIntervalSec=0
[Service]
Type=exec
ExecStart=${SERVER} ${server(port).join(" ")}
Restart=always
RestartSec=0
`,
  ]),
);

/** Words of the kernel's command line that have systemd start them, and not the agent. */
export const SYSTEMD_WORDS: readonly string[] = [
  "systemd.mask=pact-agent.service",
  "systemd.wants=dbus.service",
  ...[LATTICE, CXI_RH].map(({ name }) => `systemd.wants=${name}.service`),
];
