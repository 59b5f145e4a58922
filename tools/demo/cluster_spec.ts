import { SITE_VARIABLE } from "../../tests/support/site/mod.ts";

/** What the specification of the tour's vCluster depends on. */
export interface SpecFacts {
  /** Directory of the tour. */
  readonly directory: string;
  /** Where the health exporter listens on both nodes. */
  readonly port: number;
}

/** How two people of the tour reach the exporter's program: the same Deno that runs the tour. */
const EXPORTER = new URL("./exporter.ts", import.meta.url).pathname;

/**
 * The vCluster of the tour: two files and three services, one of which others wait for until it
 * answers. Everything it starts is on any Linux machine.
 */
export function clusterToml({ directory, port }: SpecFacts): string {
  const text = JSON.stringify;
  const environment = `{ ${SITE_VARIABLE} = ${text(directory)} }`;
  return `\
[vcluster.demo.files]
"/etc/motd" = { content = "Welcome to demo.\\n", mode = "0644" }
"/etc/chrony.conf" = { content = "server time-1 iburst\\n", mode = "0644" }

[vcluster.demo.services.exporter]
binary = ${text(Deno.execPath())}
args = ["run", "--quiet", "--no-config", "--unstable-net", "--allow-net=127.0.0.1", ${
    text(EXPORTER)
  }, "${port}"]
env = { ${SITE_VARIABLE} = ${text(directory)}, DENO_DIR = ${text(`${directory}/deno`)} }
order = 1
restart_delay_seconds = 1
health_check = { type = "http", url = "http://127.0.0.1:${port}/health", interval_seconds = 1, gate = true }

[vcluster.demo.services.collector]
binary = "/bin/sh"
args = ["-c", "while :; do date; sleep 5; done"]
env = ${environment}
depends_on = ["exporter"]
order = 2
restart_delay_seconds = 1

[vcluster.demo.services.scratch-keeper]
binary = "/bin/sleep"
args = ["86400"]
env = ${environment}
order = 3
restart_delay_seconds = 1
`;
}

/** The policy of the tour's vCluster: drift is rolled back, and soon. */
export const POLICY_TOML = `\
enforcement_mode = "enforce"
base_commit_window_seconds = 60
drift_sensitivity = 12
`;
