/** A real handoff socket with real namespaces, and consumers that are programs of another language. */
import assert from "node:assert/strict";
import { openControlFileWatcher, openIsolation } from "../../../../agent/isolation/mod.ts";
import { createProcessTable } from "../../../../agent/isolation/mod.ts";
import {
  createNamespaceProgram,
  createPins,
  HandoffServer,
  NamespaceProvider,
  peerRefusal,
  type UenvMounts,
} from "../../../../agent/namespaces/mod.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import { decodeJson, JsonReader, type NodePaths, nodePaths } from "../../../../contracts/mod.ts";
import { buildNamespaces, findCompiler } from "../../../../ffi/build/mod.ts";
import type { Shim } from "../../../../ffi/mod.ts";
import { openTestShim, repositoryRoot, tempDir, waitFor, within } from "../../../support/mod.ts";
import { removeCgroups, writableCgroup2 } from "../isolation/real_cgroups.ts";

/** What the machine has of cgroup v2; undefined where nothing. */
export const CGROUP_ROOT = writableCgroup2();

/** A frame as a consumer got it. */
export interface Frame {
  readonly id: number;
  readonly kind: string;
  readonly body: JsonReader;
  /** What its descriptors are, as `net:[4026532179]`. */
  readonly descriptors: readonly string[];
}

/** A consumer: a C program at the other end of the socket. */
export class Consumer implements AsyncDisposable {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: AsyncIterator<string>;
  #lastId = 0;

  private constructor(private readonly child: Deno.ChildProcess) {
    this.#writer = child.stdin.getWriter();
    this.#lines = linesOf(child.stdout);
  }

  static async connect(path: string, program: string): Promise<Consumer> {
    const child = new Deno.Command(program, {
      args: [path],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    await Promise.resolve();
    return new Consumer(child);
  }

  async say(line: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(`${line}\n`));
  }

  async line(): Promise<string> {
    const next = await within(this.#lines.next(), { what: "a line of the consumer" });
    return next.done === true ? "" : next.value;
  }

  /** Sends a request; returns its id. */
  async send(kind: string, body: unknown, id = ++this.#lastId): Promise<number> {
    await this.say(`send ${JSON.stringify({ v: 1, id, kind, body })}`);
    return id;
  }

  /** The next frame; null at the end of the connection. */
  async receive(): Promise<Frame | null> {
    await this.say("recv");
    const line = await this.line();
    if (line === "end") return null;
    const [json = "", descriptors = ""] = line.split("\t");
    const envelope = new JsonReader(decodeJson(json), "envelope");
    return {
      id: envelope.whole("id"),
      kind: envelope.text("kind"),
      body: envelope.object("body"),
      descriptors: descriptors === "" ? [] : descriptors.split(" "),
    };
  }

  /** The answer to a request; `queued` before it is passed over. */
  async ask(kind: string, body: unknown): Promise<Frame> {
    const id = await this.send(kind, body);
    let frame = await this.receive();
    while (frame?.kind === "queued") frame = await this.receive();
    assert.ok(frame !== null, `the connection ended before an answer to ${kind}`);
    assert.equal(frame.id, id);
    return frame;
  }

  /** Asks for namespaces of an allocation. */
  namespaces(allocationId: string, namespaces: readonly string[], rest = {}): Promise<Frame> {
    return this.ask("request_namespaces", { allocation_id: allocationId, namespaces, ...rest });
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close().catch(() => {});
    await this.child.status;
    await this.#lines.return?.();
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (text + chunk).split("\n");
    text = parts.pop() ?? "";
    yield* parts;
  }
}

/** One life of an agent's handoff. */
export interface Life {
  readonly provider: NamespaceProvider;
  readonly server: HandoffServer;
  close(): Promise<void>;
}

export interface AuditRecord {
  readonly action: string;
  readonly allocationId: string;
  readonly outcome: string;
}

export interface Rig {
  readonly shim: Shim;
  readonly paths: NodePaths;
  readonly audited: AuditRecord[];
  readonly refused: string[];
  readonly mounts: UenvMounts & { readonly held: Map<string, string> };
  /** The first agent; ready from the beginning unless told. */
  readonly life: Life;
  /** Another agent on what this one left. */
  restart(): Promise<Life>;
  connect(): Promise<Consumer>;
  /** Namespaces that are pinned. */
  pinned(): readonly string[];
}

export interface RigTuning {
  readonly isReady?: boolean;
  readonly latticeUid?: number;
  readonly isServiceOnly?: boolean;
}

/** Opens everything, runs the test, and takes down what is left. */
export async function handoffRig(test: (rig: Rig) => Promise<void>, tuning: RigTuning = {}) {
  await using dir = await tempDir();
  const shim = await openTestShim();
  const events = shim.startEvents();
  const base = nodePaths(dir.path);
  const cgroupRoot = CGROUP_ROOT ?? base.cgroupRoot;
  if (CGROUP_ROOT !== undefined) await Deno.mkdir(CGROUP_ROOT);
  const paths = { ...base, cgroupRoot };
  for (const directory of [paths.state, paths.uenvMountBase]) {
    await Deno.mkdir(directory, { recursive: true });
  }
  const { path: program } = await buildNamespaces();
  const client = await buildClient(dir.path);
  const watcher = openControlFileWatcher(shim, events);
  const isolation = await openIsolation({ shim, clock: systemClock, cgroupRoot });
  const audited: AuditRecord[] = [];
  const refused: string[] = [];
  const held = new Map<string, string>();
  const mounts = {
    held,
    acquire: (image: string, allocationId: string) => {
      if (image === "broken.sqfs") return Promise.reject(new Error("no such image"));
      held.set(allocationId, image);
      return Promise.resolve({ mountPoint: `${paths.uenvMountBase}/image` });
    },
    releaseAll: (allocationId: string) => Promise.resolve(void held.delete(allocationId)),
  };
  const pins = createPins(shim, paths);
  const lives: Life[] = [];

  const begin = async (): Promise<Life> => {
    const provider = new NamespaceProvider({
      shim,
      events,
      clock: systemClock,
      log: silentLogger,
      paths,
      isolation,
      watcher,
      processes: createProcessTable(shim.files, shim.processes),
      program: createNamespaceProgram({ shim, events, clock: systemClock, program }),
      pins,
      mounts,
      audit: (action, allocationId, outcome) => audited.push({ action, allocationId, outcome }),
    });
    await provider.restore();
    const rules = {
      files: shim.files,
      latticeUid: tuning.latticeUid ?? 0,
      isServiceOnly: tuning.isServiceOnly ?? false,
    };
    const server = new HandoffServer({
      shim,
      events,
      clock: systemClock,
      log: silentLogger,
      path: paths.handoffSocket,
      refusalOf: (peer) => peerRefusal(rules, peer),
      onRefused: (_peer, reason) => refused.push(reason),
      service: {
        requestNamespaces: (request) => provider.create(request),
        openDescriptors: (response) => provider.openDescriptors(response),
        endAllocation: (allocationId) => provider.end(allocationId),
        acquireMount: () => Promise.reject(new Error("no mounts here")),
        releaseMount: () => Promise.reject(new Error("no mounts here")),
        state: () => ({ allocations: provider.list(), mounts: [] }),
      },
    });
    provider.onEnded((allocationId) => server.tellEnded(allocationId));
    if (tuning.isReady !== false) server.setGate({ name: "Open" });
    let isOpen = true;
    const life = {
      provider,
      server,
      close: async () => {
        if (!isOpen) return;
        isOpen = false;
        server.close();
        await provider.close();
      },
    };
    lives.push(life);
    return life;
  };

  const pinned = () =>
    pins.list().flatMap((pin) => pin.types.map((t) => `${pin.allocationId}/${t}`));
  try {
    const life = await begin();
    await test({
      shim,
      paths,
      audited,
      refused,
      mounts,
      life,
      pinned,
      restart: async () => {
        for (const former of lives) await former.close();
        return await begin();
      },
      connect: () => Consumer.connect(paths.handoffSocket, client),
    });
  } finally {
    const last = lives.at(-1);
    for (const { allocationId } of last?.provider.list() ?? []) last?.provider.end(allocationId);
    await waitFor(() => last === undefined || last.provider.list().length === 0, {
      what: "the end of all allocations",
      timeoutMs: 10_000,
    }).finally(async () => {
      for (const life of lives) await life.close();
      watcher.close();
      await events.close();
      await shim.mounts.unmount(paths.namespacePins, 2).catch(() => {});
      shim.close();
      if (CGROUP_ROOT !== undefined) removeCgroups(CGROUP_ROOT);
    });
  }
}

/** Builds the consumer. */
export async function buildClient(directory: string): Promise<string> {
  const path = `${directory}/handoff_client`;
  const { command } = await findCompiler(Deno.env.get("PACT_CC"));
  const source = `${repositoryRoot}tests/support/programs/handoff_client.c`;
  const { success, stderr } = await new Deno.Command(command, {
    args: ["-std=c11", "-D_GNU_SOURCE", "-O1", "-Wall", "-Werror", "-o", path, source],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return path;
}
