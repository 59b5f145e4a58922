import { DEVELOPMENT_LIBRARY } from "../../../ffi/mod.ts";
import { runtimeFlags } from "../../../tools/compile/mod.ts";
import { repositoryRoot } from "../spawn_deno.ts";
import { neutralEnvironment } from "./environment.ts";
import { relocatedPermissions } from "./relocate.ts";

/** What `pact-agent` is told below `root`, where its configuration is. */
export function agentArguments(root: string): string[] {
  return [
    `--config=${root}/etc/pact/agent.toml`,
    "--profile=rootless",
    `--root=${root}`,
    `--shim=${repositoryRoot}${DEVELOPMENT_LIBRARY}`,
  ];
}

/** How `pact-agent` is started below `root` where no `Site` does so. */
export function agentProgram(root: string) {
  return {
    module: `${repositoryRoot}agent/main.ts`,
    flags: [
      "--quiet",
      ...runtimeFlags("pact-agent"),
      ...relocatedPermissions("agent", root),
    ],
    args: agentArguments(root),
    env: neutralEnvironment(),
    clearEnv: true,
  };
}
