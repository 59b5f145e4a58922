import { create } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";
import {
  createBackups,
  type Dimension,
  effectiveFromWire,
  type EffectiveState,
  filesDimension,
  kernelDimension,
  MountsDimension,
  unsupportedDimension,
  type Watch,
} from "../../../../agent/apply/mod.ts";
import { DEFAULT_SEVERITY, DEFAULT_WEIGHTS } from "../../../../agent/drift/mod.ts";
import {
  type Convergence,
  type ConvergenceEvent,
  type ConvergencePolicy,
  createConvergence,
} from "../../../../agent/window/mod.ts";
import { compileBlacklist } from "../../../../agent/drift/mod.ts";
import { watchedFiles } from "../../../../agent/observer/mod.ts";
import { filesWatch, mountsWatch } from "../../../../agent/undeclared/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import type { Files } from "../../../../ffi/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { openTestShim, tempDir } from "../../../support/mod.ts";

export const POLICY: ConvergencePolicy = {
  window: {
    mode: "enforce",
    baseSeconds: 900,
    sensitivity: 2,
    floorSeconds: 60,
    emergencyWindowSeconds: 14_400,
  },
  weights: DEFAULT_WEIGHTS,
  severity: DEFAULT_SEVERITY,
  autoConverge: new Set(),
  requireAck: new Set(),
  blacklist: [],
};

export type Declared = NonNullable<
  Parameters<typeof create<typeof agentport.DeclaredConfigSchema>>[1]
>;

/** A declaration as the network worker would send it. */
export function declare(init: Declared): EffectiveState {
  return effectiveFromWire(create(agentport.DeclaredConfigSchema, init));
}

/** A declared file of mode 0644. */
export function file(path: string, content: string, mode = 0o644) {
  return { path, content: new TextEncoder().encode(content), hasContent: true, mode };
}

/** A node of real files below a temporary root, with time moved by hand. */
export class Node implements AsyncDisposable {
  readonly clock = new VirtualClock();
  readonly events: ConvergenceEvent[] = [];
  readonly documents = new Map<string, string>();
  convergence: Convergence;
  bootId = "boot-1";

  private constructor(
    readonly root: string,
    readonly shimFiles: Files,
    readonly options: NodeOptions,
    readonly dimensions: readonly Dimension[],
    readonly dispose: () => Promise<void>,
  ) {
    this.convergence = this.start();
  }

  static async create(options: NodeOptions = {}): Promise<Node> {
    const dir = await tempDir();
    const shim = await openTestShim();
    const files = options.files?.(shim.files) ?? shim.files;
    const wallMs = () => Date.now();
    const root = dir.path;
    const dimensions = [
      filesDimension({
        files,
        users: shim.users,
        root,
        effectiveUid: 1000,
        backups: createBackups({ files, directory: `${root}/run/pact/state/rollback`, wallMs }),
        wallMs,
      }),
      kernelDimension({ files, root }),
      options.hasMounts === true
        ? new MountsDimension({ files, mounts: shim.mounts, root, effectiveUid: 0 })
        : unsupportedDimension("mounts", "mounts are not managed by this build"),
      ...(options.dimensions ?? []),
    ];
    return new Node(root, files, options, dimensions, async () => {
      shim.close();
      await dir[Symbol.asyncDispose]();
    });
  }

  /** Starts the agent's part anew, as after a crash or a restart. */
  start(): Convergence {
    this.convergence = createConvergence({
      dimensions: this.dimensions,
      clock: this.clock,
      bootMs: () => this.clock.monotonicMs(),
      bootId: this.bootId,
      store: {
        load: (name) => this.documents.get(name),
        save: (name, text) => {
          this.documents.set(name, text);
        },
      },
      log: silentLogger,
      policy: { ...POLICY, ...this.options.policy },
      report: (event) => this.events.push(event),
      watches: this.#watches(),
      ...(this.options.isOrdinary && { isOrdinary: this.options.isOrdinary }),
      ...(this.options.attribution && { attribution: this.options.attribution }),
    });
    return this.convergence;
  }

  #watches(): Watch[] {
    const { root, shimFiles: files, options: { watchPaths, policy } } = this;
    const [dimension] = this.dimensions;
    const watches = [
      ...this.options.watches ?? [],
      ...this.dimensions.flatMap((one) => one instanceof MountsDimension ? mountsWatch(one) : []),
    ];
    if (watchPaths === undefined || dimension === undefined) return watches;
    const blacklist = compileBlacklist(policy?.blacklist ?? []);
    const isNoise = (path: string) => blacklist.matchesPath(path);
    return [
      filesWatch(dimension, () => watchedFiles({ files, root, watchPaths, isNoise })),
      ...watches,
    ];
  }

  /** Lets time pass, each timer and what it started one after the other. */
  async pass(seconds: number): Promise<void> {
    const endMs = this.clock.monotonicMs() + seconds * 1000;
    // What changed before is seen at once, as by an observer.
    await this.convergence.scan();
    while (this.clock.monotonicMs() < endMs) {
      const leftMs = endMs - this.clock.monotonicMs();
      this.clock.advance(Math.min(leftMs, this.clock.nextTimerInMs ?? leftMs));
      await this.convergence.scan();
    }
  }

  /** Writes as an administrator with an editor would. */
  async edit(path: string, content: string): Promise<void> {
    await Deno.writeTextFile(this.root + path, content);
  }

  async read(path: string): Promise<string> {
    return await Deno.readTextFile(this.root + path);
  }

  async mode(path: string): Promise<number> {
    return ((await Deno.stat(this.root + path)).mode ?? 0) & 0o7777;
  }

  /** Kinds of what was reported, state changes aside. */
  get told(): string[] {
    return this.events.map(({ kind }) => kind).filter((kind) => kind !== "stateChanged");
  }

  find<Kind extends ConvergenceEvent["kind"]>(kind: Kind) {
    return this.events.filter((event): event is Extract<ConvergenceEvent, { kind: Kind }> =>
      event.kind === kind
    );
  }

  get names(): string[] {
    return this.convergence.status().items.map(({ category, key }) => `${category}:${key}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.convergence.close();
    await this.dispose();
  }
}

export interface NodeOptions {
  /** What is held against what it was, declared or not. */
  readonly watchPaths?: readonly string[];
  readonly watches?: readonly Watch[];
  /** Mounts below the root are real: to be used by root, in a mount namespace. */
  readonly hasMounts?: boolean;
  readonly isOrdinary?: (name: string) => boolean;
  readonly policy?: Partial<ConvergencePolicy>;
  readonly dimensions?: readonly Dimension[];
  readonly files?: (files: Files) => Files;
  readonly attribution?: (name: string) => { actor: string } | undefined;
}
