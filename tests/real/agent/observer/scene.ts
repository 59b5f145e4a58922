import assert from "node:assert/strict";
import { type ObservedEvent, type Observer, openObserver } from "../../../../agent/observer/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import { ShimError } from "../../../../ffi/mod.ts";
import { tempDir, waitFor, withShim } from "../../../support/mod.ts";

/** A real observer over a temporary directory. */
export interface Scene {
  readonly root: string;
  readonly observer: Observer;
  readonly events: readonly ObservedEvent[];
  rescans(): number;
  /** Waits for an event of an item, answers the latest. */
  eventOf(category: string, path: string, what?: string): Promise<ObservedEvent>;
  /** Waits for an event of an item whose detail matches. */
  eventWith(category: string, path: string, detail: RegExp): Promise<ObservedEvent>;
  /** Runs a command to its end and answers its process id. */
  run(program: string, ...args: string[]): Promise<number>;
}

/** Runs a test with an observer. */
export async function observing(
  options: {
    readonly watchPaths?: readonly string[];
    readonly noise?: (path: string) => boolean;
    /** A temporary directory unless given. */
    readonly root?: string;
    /** As on a file system without handles. */
    readonly withoutHandles?: boolean;
    /** agent.observer.netlink_enabled; true unless given. */
    readonly watchesNetlink?: boolean;
    readonly probes?: { readonly program: string; readonly workloadCgroup: string };
  },
  test: (scene: Scene) => Promise<void>,
): Promise<void> {
  await using directory = await tempDir();
  for (const path of options.watchPaths ?? []) Deno.mkdirSync(`${directory.path}${path}`);
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const events: ObservedEvent[] = [];
    let rescans = 0;
    const withoutHandles = {
      ...shim,
      openFanotify: () => {
        throw ShimError.of("EOPNOTSUPP", "fanotify_init");
      },
    };
    const observer = openObserver({
      shim: options.withoutHandles === true ? withoutHandles : shim,
      events: pump,
      clock: systemClock,
      log: silentLogger,
      root: options.root ?? directory.path,
      watchPaths: options.watchPaths ?? [],
      watchesFiles: true,
      watchesNetlink: options.watchesNetlink ?? true,
      ...(options.probes && { probes: options.probes }),
      isNoise: options.noise ?? (() => false),
      onEvents: (told) => events.push(...told),
      onRescan: () => rescans++,
    });
    try {
      await test({
        root: directory.path,
        observer,
        events,
        rescans: () => rescans,
        eventOf: async (category, path, what) => {
          const find = () =>
            events.findLast((event) => event.category === category && event.path === path);
          await waitFor(() => find() !== undefined, {
            timeoutMs: 5_000,
            what: what ?? `${category}:${path}`,
          });
          const event = find();
          assert.ok(event);
          return event;
        },
        eventWith: async (category, path, detail) => {
          const find = () =>
            events.findLast((event) =>
              event.category === category && event.path === path && detail.test(event.detail)
            );
          const seen = () => events.filter((event) => event.path === path).map((it) => it.detail);
          await waitFor(() => find() !== undefined, {
            timeoutMs: 5_000,
            what: `${category}:${path} ${detail}`,
          }).catch((error: unknown) => {
            throw new Error(`${error}; seen: ${seen().join(" | ")}`);
          });
          const event = find();
          assert.ok(event);
          return event;
        },
        run,
      });
    } finally {
      await observer.close();
      await pump.close();
    }
  });
}

async function run(program: string, ...args: string[]): Promise<number> {
  const child = new Deno.Command(program, { args, stdout: "null", stderr: "piped" }).spawn();
  const { success, stderr } = await child.output();
  assert.ok(success, `${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return child.pid;
}
