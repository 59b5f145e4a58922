import { buildTestInit } from "../../../ffi/build/mod.ts";
import { needingNamespaces, ScriptedAgent } from "../../support/init/mod.ts";

type Start = Omit<Parameters<typeof ScriptedAgent.start>[0], "init">;

/**
 * A test of pact-init with a scripted agent; under sanitizers where `PACT_INIT_SANITIZED` is set. There
 * is a watchdog unless said, so that nobody kills an agent that does not beat on a slow machine.
 */
export function initTest(
  name: string,
  test: (agent: ScriptedAgent) => Promise<void>,
  options: Start = {},
): void {
  Deno.test({
    ...needingNamespaces(name),
    async fn() {
      const sanitized = Deno.env.get("PACT_INIT_SANITIZED") !== undefined;
      const { path } = await buildTestInit({ sanitized });
      await using agent = await ScriptedAgent.start({ hasWatchdog: true, ...options, init: path });
      await test(agent);
    },
  });
}
