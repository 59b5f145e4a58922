import { pendingOf, reportPending } from "./approval.ts";
import type { GlobalFlags, LoadedConfig, Settings } from "../config/mod.ts";
import type { Host } from "../host/mod.ts";
import type { Output } from "../output/mod.ts";
import type { Session } from "../session/mod.ts";

/** What a running command works with. */
export interface CommandContext {
  readonly host: Host;
  readonly out: Output;
  /** Options given before or after the command, as text. */
  readonly flags: GlobalFlags;
  readonly config: LoadedConfig;
  readonly settings: Settings;
  readonly session: Session;
  /** Aborted by Ctrl-C (CLI-9). */
  readonly signal: AbortSignal;
  /** Whether --yes answers confirmations. */
  readonly assumeYes: boolean;
}

/** A parsed command, ready to run. */
export interface Action {
  /** Whether an unusable configuration is a warning only (CLI-3). */
  readonly tolerant: boolean;
  /** Does it; resolves to the exit code. */
  readonly run: (context: CommandContext) => Promise<number>;
}

/**
 * A command that needs a sound configuration. One that has to wait for a second person says so and
 * exits 15 (CLI-62).
 */
export function action(run: Action["run"]): Action {
  return {
    tolerant: false,
    run: async (context) => {
      try {
        return await run(context);
      } catch (error) {
        const pending = await pendingOf(context, error);
        if (pending === undefined) throw error;
        return await reportPending(context, pending);
      }
    },
  };
}

/** A command that works with whatever configuration there is. */
export function tolerantAction(run: Action["run"]): Action {
  return { tolerant: true, run };
}
