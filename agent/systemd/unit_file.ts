/**
 * The unit that runs a declared service (SYD-1 to SYD-3). Pure.
 *
 * @module
 */
import type { NodePlace, ServiceDeclaration } from "../supervisor/mod.ts";
import {
  environmentAssignment,
  execArgument,
  execPath,
  UnitTextError,
  wholePath,
} from "./unit_escape.ts";

/** What a unit is made of beside its declaration. */
export interface UnitFacts {
  readonly place: NodePlace;
  readonly overlayVersion: bigint;
  /** Services of the next lower order, started before it. */
  readonly after: readonly string[];
  /** Whole disks that io_max is for, as /dev/vda. */
  readonly disks: readonly string[];
}

/** How a unit of ours begins; nothing else is ever removed. */
export const HEADER = "# Written by pact-agent; changes are lost.";
const PREFIX = "pact-";
const SUFFIX = ".service";
/** Units of pact itself. */
const RESERVED: ReadonlySet<string> = new Set(["agent", "journal", "mcp"]);
const RESTART = { Always: "always", OnFailure: "on-failure", Never: "no" } as const;
const SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const OOM_SCORE = -250;
const OPEN_FILES_MAX = 65_536;

/**
 * The unit of a service.
 *
 * @throws {UnitTextError} for a name that is pact's own, or that systemd would understand otherwise
 */
export function unitName(service: string): string {
  if (RESERVED.has(service)) {
    throw new UnitTextError(`${PREFIX}${service} is a unit of pact itself`);
  }
  if (service.includes("@")) {
    throw new UnitTextError(`service ${service}: '@' in the name of a unit means a template`);
  }
  return `${PREFIX}${service}${SUFFIX}`;
}

/** The service of a unit's name; null for units that are not pact's. */
export function serviceOfUnit(unit: string): string | null {
  if (!unit.startsWith(PREFIX) || !unit.endsWith(SUFFIX)) return null;
  const service = unit.slice(PREFIX.length, -SUFFIX.length);
  return service === "" || RESERVED.has(service) ? null : service;
}

/**
 * The slice as systemd names it: every level repeats those above it.
 *
 * ```ts
 * import { unitSlice } from "./unit_file.ts";
 *
 * if (unitSlice("pact.slice/infra.slice") !== "pact-infra.slice") throw new Error();
 * if (unitSlice("pact.slice") !== "pact.slice") throw new Error();
 * ```
 */
export function unitSlice(slice: string): string {
  const levels = slice.split("/").map((level) => level.replace(/\.slice$/, ""));
  return `${levels.join("-")}.slice`;
}

/**
 * The text of a unit file.
 *
 * @throws {UnitTextError} naming what a unit cannot express
 */
export function unitText(declaration: ServiceDeclaration, facts: UnitFacts): string {
  const unit = unitName(declaration.name);
  const sections = [
    `${HEADER}\n# ${unit}, overlay version ${facts.overlayVersion}.`,
    section("Unit", unitSection(declaration, facts)),
    section("Service", serviceSection(declaration, facts)),
  ];
  return `${sections.join("\n\n")}\n`;
}

type Setting = readonly [key: string, value: string | number | bigint | null];

/** Settings without a value are left out. */
function section(name: string, settings: readonly Setting[]): string {
  const lines = settings.filter(([, value]) => value !== null).map(([key, value]) =>
    `${key}=${value}`
  );
  return [`[${name}]`, ...lines].join("\n");
}

function unitSection(declaration: ServiceDeclaration, { after }: UnitFacts): Setting[] {
  const required = declaration.dependsOn.map(unitName);
  const before = [...new Set([...required, ...after.map(unitName)])];
  const orNull = (units: readonly string[]) => units.length === 0 ? null : units.join(" ");
  return [
    ["Description", `pact service ${declaration.name}`],
    ["Requires", orNull(required)],
    ["After", orNull(before)],
    ["StartLimitIntervalSec", 0],
  ];
}

function serviceSection(declaration: ServiceDeclaration, facts: UnitFacts): Setting[] {
  const { binary, args, readiness, watchdogSeconds, user } = declaration;
  const [owner = "", group] = user.split(":");
  return [
    ["Type", readiness === null ? "exec" : "notify"],
    ["NotifyAccess", readiness === null && watchdogSeconds === null ? null : "all"],
    ["TimeoutStartSec", readiness?.timeoutSeconds ?? null],
    ["WatchdogSec", watchdogSeconds],
    ["ExecStart", [execPath(binary), ...args.map(execArgument)].join(" ")],
    ["Restart", RESTART[declaration.restart]],
    ["RestartSec", declaration.restartDelaySeconds],
    ["User", owner === "" ? null : owner],
    ["Group", group ?? null],
    ["WorkingDirectory", wholePath(declaration.workingDirectory)],
    ...environment(declaration, facts.place),
    ["Slice", unitSlice(declaration.slice)],
    ["MemoryMax", declaration.memoryMaxBytes],
    ["CPUWeight", declaration.cpuWeight],
    ["TasksMax", declaration.pidsMax],
    ...ioLimits(declaration, facts.disks),
    ["KillSignal", declaration.stopSignal],
    ["TimeoutStopSec", declaration.stopTimeoutSeconds],
    ["OOMPolicy", "kill"],
    ["OOMScoreAdjust", OOM_SCORE],
    ...resourceLimits(declaration),
    ["UMask", "0022"],
  ];
}

/** The environment of SUP-24; who the user is systemd says itself. */
function environment({ env }: ServiceDeclaration, place: NodePlace): Setting[] {
  const all = {
    PATH: SEARCH_PATH,
    LANG: "C.UTF-8",
    PACT_NODE_ID: place.nodeId,
    PACT_VCLUSTER: place.vclusterId,
    ...env,
  };
  return Object.entries(all).map(([name, value]) => [
    "Environment",
    environmentAssignment(name, value),
  ]);
}

function ioLimits({ ioMaxBytesPerSecond }: ServiceDeclaration, disks: readonly string[]) {
  if (ioMaxBytesPerSecond === null) return [];
  return disks.flatMap((disk): Setting[] => [
    ["IOReadBandwidthMax", `${wholePath(disk)} ${ioMaxBytesPerSecond}`],
    ["IOWriteBandwidthMax", `${wholePath(disk)} ${ioMaxBytesPerSecond}`],
  ]);
}

function resourceLimits({ rlimits }: ServiceDeclaration): Setting[] {
  const text = (value: number | "unlimited") => value === "unlimited" ? "infinity" : `${value}`;
  const nofile = { soft: OPEN_FILES_MAX, hard: OPEN_FILES_MAX };
  return Object.entries({ nofile, ...rlimits }).map(([name, { soft, hard }]) => [
    `Limit${name.toUpperCase()}`,
    `${text(soft)}:${text(hard)}`,
  ]);
}
