import { systemClock } from "../../../common/clock/mod.ts";
import { silentLogger } from "../../../common/log/mod.ts";
import {
  EmbeddedPolicy,
  OpaEvaluator,
  type PolicyEngine,
  RegoEngine,
} from "../../../journal/policy/mod.ts";
import { tempDir } from "../temp_dir.ts";
import { buildBundle } from "./build_bundle.ts";
import { type OpaServerOptions, startOpa } from "./opa_server.ts";

/** Both engines over the same rules; they end with their scope. */
export interface BothEngines extends AsyncDisposable {
  readonly opa: PolicyEngine;
  readonly embedded: PolicyEngine;
}

const NO_DATA = () => ({ roles: {}, vclusters: {} });

/** Opens both engines over the same rules. */
export async function openBothEngines(
  options: OpaServerOptions & { readonly entrypoints?: readonly string[] },
): Promise<BothEngines> {
  const opened = new AsyncDisposableStack();
  try {
    const directory = opened.use(await tempDir("pact-rules-"));
    for (const [name, text] of Object.entries(options.modules ?? {})) {
      await Deno.writeTextFile(`${directory.path}/${name}`, text);
    }
    const load = [
      ...options.load ?? [],
      ...(options.modules === undefined ? [] : [directory.path]),
    ];
    const server = opened.use(await startOpa({ load }));
    const bundlePath = `${directory.path}/bundle.tar.gz`;
    await buildBundle(bundlePath, load, options.entrypoints);
    const surroundings = { clock: systemClock, log: silentLogger, data: NO_DATA };
    const asking = new OpaEvaluator({ base: new URL(server.base), ...surroundings });
    opened.defer(() => asking.close());
    await asking.start();
    const inside = new EmbeddedPolicy({ bundlePath, ...surroundings });
    opened.defer(() => inside.close());
    await inside.start();
    const all = opened.move();
    return {
      opa: engineOver(asking),
      embedded: engineOver(inside),
      [Symbol.asyncDispose]: () => all.disposeAsync(),
    };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

function engineOver(evaluator: OpaEvaluator | EmbeddedPolicy): PolicyEngine {
  return new RegoEngine({
    evaluator,
    monotonicMs: () => systemClock.monotonicMs(),
    onOutcome: () => {},
    onUnavailable: () => {},
  });
}
