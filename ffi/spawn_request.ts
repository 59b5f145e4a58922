import { ShimError } from "./shim_error.ts";
import { type SignalName, signalNumber } from "./signals.ts";

/** Where a standard stream of a child goes: /dev/null, a new pipe, or a descriptor of ours (which
 * stays ours to close). */
export type Stdio = "null" | "pipe" | number;

/** Resource limits by the names of setrlimit(2), lower case, without RLIMIT_. */
export type RlimitName = keyof typeof RLIMITS;

/** One limit; bytes, seconds or a count, as its resource has it. */
export interface Rlimit {
  readonly soft: number | "unlimited";
  readonly hard: number | "unlimited";
}

/** What to start, and how (SUP-20). */
export interface SpawnRequest {
  /** Absolute path; PATH is not searched. */
  readonly executable: string;
  /** argv[1] and on. */
  readonly arguments?: readonly string[];
  /** argv[0]; the executable's path unless given. */
  readonly argument0?: string;
  /** The whole environment; nothing is inherited. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Working directory; the caller's unless given. */
  readonly directory?: string;
  /** `null` unless given. */
  readonly stdin?: Stdio;
  readonly stdout?: Stdio;
  readonly stderr?: Stdio;
  /** Absolute path of a cgroup v2 directory; the program never runs outside of it. */
  readonly cgroup?: string;
  /** Ids to take on; the groups replace all supplementary groups. */
  readonly credentials?: {
    readonly uid: number;
    readonly gid: number;
    readonly groups: readonly number[];
  };
  /** -1000..1000; inherited unless given. */
  readonly oomScoreAdj?: number;
  readonly umask?: number;
  readonly rlimits?: Readonly<Partial<Record<RlimitName, Rlimit>>>;
  readonly noNewPrivs?: boolean;
  /** `stdin` is a terminal, and becomes the one that controls the program (tty(4)). */
  readonly terminal?: boolean;
  /** What the kernel keeps the program from. Throws EPERM without the right to mount. */
  readonly containment?: Containment;
  /** A descriptor of ours that the program finds as its descriptor 4. */
  readonly passedFd?: number;
  /** Sent to the child when this process dies; for development agents. */
  readonly parentDeathSignal?: SignalName;
  /** How long exec may take, 1..60000; 5000 unless given. */
  readonly execTimeoutMs?: number;
  /** Behave as on a kernel without clone3(2); for tests of that path. */
  readonly withoutClone3?: boolean;
}

/** A program with mounts of its own, and few capabilities; what it starts has no more of either. */
export interface Containment {
  /** Absolute paths that it finds empty; those that are not there are passed over. */
  readonly covered: readonly string[];
  /** Absolute directories from which it cannot run programs, nor load libraries. */
  readonly withoutPrograms: readonly string[];
  /** Capabilities (capabilities(7)), by number, that its programs may have. */
  readonly capabilities: readonly number[];
}

const RLIMITS = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
} as const;

const HEADER_BYTES = 84;
const RLIMIT_BYTES = 24;
const UNLIMITED = 0xffff_ffff_ffff_ffffn;
const FLAG = {
  credentials: 1,
  oomScoreAdj: 2,
  umask: 4,
  noNewPrivs: 8,
  terminal: 16,
  passedFd: 32,
  contained: 64,
  withoutClone3: 0x8000_0000,
};

function stdioField(stdio: Stdio | undefined): number {
  if (stdio === undefined || stdio === "null") return -1;
  if (stdio === "pipe") return -2;
  if (!Number.isInteger(stdio) || stdio < 0) throw ShimError.of("EBADF", "spawn", `stdio ${stdio}`);
  return stdio;
}

function flagsOf(request: SpawnRequest): number {
  let flags = 0;
  if (request.credentials !== undefined) flags |= FLAG.credentials;
  if (request.oomScoreAdj !== undefined) flags |= FLAG.oomScoreAdj;
  if (request.umask !== undefined) flags |= FLAG.umask;
  if (request.noNewPrivs === true) flags |= FLAG.noNewPrivs;
  if (request.terminal === true) flags |= FLAG.terminal;
  if (request.passedFd !== undefined) flags |= FLAG.passedFd;
  if (request.containment !== undefined) flags |= FLAG.contained;
  if (request.withoutClone3 === true) flags |= FLAG.withoutClone3;
  return flags >>> 0;
}

function environmentTexts(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => {
    if (name === "" || name.includes("=")) {
      throw ShimError.of("EINVAL", "spawn", `environment name ${JSON.stringify(name)}`);
    }
    return `${name}=${value}`;
  });
}

function joinTexts(texts: readonly string[]): Uint8Array {
  const withNul = texts.find((text) => text.includes("\0"));
  if (withNul !== undefined) {
    throw ShimError.of("EINVAL", "spawn", `text with NUL ${JSON.stringify(withNul)}`);
  }
  return new TextEncoder().encode(texts.map((text) => `${text}\0`).join(""));
}

/** Whether `name` is one of setrlimit(2)'s that a spawn request may have. */
export function isRlimitName(name: string): name is RlimitName {
  return Object.hasOwn(RLIMITS, name);
}

function rlimitEntries(request: SpawnRequest): { resource: number; soft: bigint; hard: bigint }[] {
  const value = (limit: number | "unlimited") => limit === "unlimited" ? UNLIMITED : BigInt(limit);
  return Object.entries(request.rlimits ?? {}).map(([name, limit]) => {
    if (!isRlimitName(name)) throw ShimError.of("EINVAL", "spawn", `rlimit ${name}`);
    return { resource: RLIMITS[name], soft: value(limit.soft), hard: value(limit.hard) };
  });
}

const UNCONTAINED: Containment = { covered: [], withoutPrograms: [], capabilities: [] };

function capabilityBits(numbers: readonly number[]): readonly [number, number] {
  const bits: [number, number] = [0, 0];
  for (const number of numbers) {
    if (!Number.isInteger(number) || number < 0 || number > 63) {
      throw ShimError.of("EINVAL", "spawn", `capability ${number}`);
    }
    bits[number < 32 ? 0 : 1] |= 1 << (number % 32);
  }
  return bits;
}

/** Packs a request as pact_shim.h lays it out (struct pact_spawn_header and what follows it). Throws
 * EINVAL for what no buffer can express; ranges are the C side's to check. */
export function packSpawnRequest(request: SpawnRequest): Uint8Array<ArrayBuffer> {
  const rlimits = rlimitEntries(request);
  const groups = request.credentials?.groups ?? [];
  const argumentTexts = [request.argument0 ?? request.executable, ...(request.arguments ?? [])];
  const environment = environmentTexts(request.environment ?? {});
  const containment = request.containment ?? UNCONTAINED;
  const capabilities = capabilityBits(containment.capabilities);
  const text = joinTexts([
    request.executable,
    request.directory ?? "",
    request.cgroup ?? "",
    ...argumentTexts,
    ...environment,
    ...containment.covered,
    ...containment.withoutPrograms,
  ]);

  const groupsAt = HEADER_BYTES + rlimits.length * RLIMIT_BYTES;
  const textAt = groupsAt + groups.length * 4;
  const packed = new Uint8Array(textAt + text.byteLength);
  const view = new DataView(packed.buffer);
  const header = [
    packed.byteLength,
    flagsOf(request),
    stdioField(request.stdin),
    stdioField(request.stdout),
    stdioField(request.stderr),
    request.oomScoreAdj ?? 0,
    request.umask ?? 0,
    request.credentials?.uid ?? 0,
    request.credentials?.gid ?? 0,
    request.parentDeathSignal === undefined ? 0 : signalNumber(request.parentDeathSignal),
    request.execTimeoutMs ?? 5000,
    argumentTexts.length,
    environment.length,
    groups.length,
    rlimits.length,
    text.byteLength,
    request.passedFd ?? -1,
    containment.covered.length,
    containment.withoutPrograms.length,
    ...capabilities,
  ];
  header.forEach((field, index) => view.setInt32(index * 4, field, true));
  rlimits.forEach(({ resource, soft, hard }, index) => {
    const at = HEADER_BYTES + index * RLIMIT_BYTES;
    view.setUint32(at, resource, true);
    view.setBigUint64(at + 8, soft, true);
    view.setBigUint64(at + 16, hard, true);
  });
  groups.forEach((group, index) => view.setUint32(groupsAt + index * 4, group, true));
  packed.set(text, textAt);
  return packed;
}
