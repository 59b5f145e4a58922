import type { agentport } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { AuditSink } from "../../contracts/mod.ts";
import type { EventPump, Shim } from "../../ffi/mod.ts";
import type { Unavailable } from "../isolation/mod.ts";
import {
  type Actor,
  createNetworkProber,
  type NodePlace,
  NoticeFeed,
  planStart,
  type Prober,
  type ReadLogOptions,
  readServiceSpec,
  type ReportAction,
  serviceAuditEvent,
  type ServiceDeclaration,
  type ServiceManager,
  type ServiceReport,
  type ServiceStatus,
  type StartPlan,
  type StopOptions,
  SUPERVISION_LOOP,
  SupervisorError,
  type SupervisorNotice,
  type SupervisorStatus,
} from "../supervisor/mod.ts";
import { HeldStarts } from "./held_starts.ts";
import { journalLines } from "./journal_lines.ts";
import { followMainProcesses, type MainProcesses } from "./main_processes.ts";
import { createSystemctl, type Systemctl, SystemdError } from "./systemctl.ts";
import { unitEvents } from "./unit_events.ts";
import { unitName, unitText } from "./unit_file.ts";
import { UnitHealth } from "./unit_health.ts";
import { planUnits, type WantedUnit } from "./unit_plan.ts";
import type { UnitStatus } from "./unit_status.ts";
import { openUnitStore, type UnitStore } from "./unit_store.ts";
import { UnitTextError } from "./unit_escape.ts";

/*
 * Shell: the declared services as units of systemd, which starts, restarts and stops them. What has to
 * wait for something that systemd knows nothing of is given to it when it may start. Owns the unit files,
 * two timers and a pidfd for every main process. Ends by release; services go on.
 */

export interface SystemdServicesOptions {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly log: Logger;
  readonly place: () => NodePlace;
  readonly overlayVersion: () => bigint;
  readonly audit: AuditSink;
  /** A fresh UUID version 4, for audit events. */
  readonly newUuid: () => string;
  /** Where runtime units are: /run/systemd/system. */
  readonly unitDirectory: string;
  /** For services that declare no time for their stop; 10 unless given. */
  readonly stopTimeoutSeconds?: number;
  readonly prober?: Prober;
  /** Another systemctl than the system's. */
  readonly systemctlProgram?: string;
}

/** Between two looks, where no event calls for one sooner (SYD-5). */
const POLL_MS = 5_000;
/** While something is on its way. */
const BUSY_POLL_MS = 500;
/** A service that ends again and again must not have systemd asked at its pace. */
const LEAST_PAUSE_MS = 200;
const BLOCK_DEVICES = "/sys/block";

export class SystemdServices implements ServiceManager {
  readonly backend = "Systemd";
  readonly #options: SystemdServicesOptions;
  readonly #systemctl: Systemctl;
  readonly #store: UnitStore;
  readonly #feed: NoticeFeed;
  readonly #processes: MainProcesses;
  readonly #health: UnitHealth;
  readonly #held: HeldStarts;
  #specs: readonly agentport.ServiceSpec[] = [];
  #plan: StartPlan = { sequence: [], ranks: new Map(), warnings: [] };
  /** What systemd said last, by service; null before it said anything. */
  #units: ReadonlyMap<string, UnitStatus> | null = null;
  #lookedMs = -Infinity;
  /** Services that no unit can be written for. */
  #refused: ReadonlyMap<string, string> = new Map();
  /** Who asked for what is on its way. */
  readonly #askedBy = new Map<string, Actor>();
  #work: Promise<void> = Promise.resolve();
  #looks: Promise<void> = Promise.resolve();
  #applied: Promise<void> = Promise.resolve();
  #timer: TimerHandle | null = null;
  /** Why systemd does not answer; empty while it does. */
  #silence = "";
  #released = false;

  constructor(options: SystemdServicesOptions) {
    this.#options = options;
    const { shim, events, clock, log } = options;
    this.#systemctl = createSystemctl(options, options.systemctlProgram);
    this.#store = openUnitStore(shim.files, options.unitDirectory);
    this.#feed = new NoticeFeed(clock, log);
    this.#processes = followMainProcesses(shim, events, () => this.#lookSoon(0));
    this.#health = new UnitHealth(clock, options.prober ?? createNetworkProber(clock));
    this.#held = new HeldStarts({
      clock,
      files: shim.files,
      health: this.#health,
      declarations: () => this.#plan.sequence,
      units: () => this.#units ?? new Map(),
      onRelease: () => this.#startReleased(),
    });
  }

  get unavailable(): readonly Unavailable[] {
    const missing: Unavailable[] = [...this.#refused].map(([name, reason]) => ({
      what: `service ${name}`,
      reason,
    }));
    if (this.#silence !== "") missing.push({ what: "systemd", reason: this.#silence });
    return missing;
  }

  declare(specs: readonly agentport.ServiceSpec[], by: Actor = SUPERVISION_LOOP): void {
    const { stopTimeoutSeconds, log } = this.#options;
    const plan = planStart(specs.map((spec) => readServiceSpec(spec, stopTimeoutSeconds)));
    for (const warning of plan.warnings) log.warn(warning);
    const formerlyStopped = new Set(
      this.#plan.sequence.filter(({ desired }) => desired === "stopped").map(({ name }) => name),
    );
    this.#specs = specs;
    this.#plan = plan;
    this.#held.forgetWishes();
    this.#applied = this.#enqueue(() => this.#converge(plan, formerlyStopped, by));
    // Whoever wants to know asks; nobody has to.
    this.#applied.catch((error) => log.error("services not as declared", { reason: `${error}` }));
  }

  applied(): Promise<void> {
    return this.#applied;
  }

  specs(): readonly agentport.ServiceSpec[] {
    return this.#specs;
  }

  start(name: string, by: Actor): void {
    const { state } = this.statusOf(name);
    const reason = this.#refused.get(name);
    if (reason !== undefined) {
      throw new SupervisorError({ code: "CANNOT_START", service: name, reason });
    }
    if (state === "Running") throw new SupervisorError({ code: "ALREADY_RUNNING", service: name });
    if (this.#held.has(name)) this.#held.want(name, true);
    else this.#request("start", [name], by);
  }

  stop(name: string, by: Actor, { force = false, withDependents = false }: StopOptions = {}): void {
    this.statusOf(name);
    const isUp = (service: string) => !["Stopped", "Failed"].includes(this.statusOf(service).state);
    const dependents = this.#plan.sequence
      .filter((other) => other.dependsOn.includes(name) && isUp(other.name))
      .map((other) => other.name).sort();
    if (dependents.length > 0 && !force && !withDependents) {
      throw new SupervisorError({ code: "DEPENDED_UPON", service: name, by: dependents });
    }
    // systemd takes whatever requires it down first.
    if (this.#held.has(name)) this.#held.want(name, false);
    else this.#request("stop", [name], by);
  }

  restart(name: string, by: Actor): void {
    this.statusOf(name);
    if (this.#held.has(name)) return this.start(name, by);
    this.#report(name, "restart", by, "restarted on request");
    this.#request("restart", [name], by);
  }

  status(): SupervisorStatus {
    const services = this.#statuses();
    const isSettled = ({ state, critical }: ServiceStatus) =>
      state === "Running" || (!critical && state !== "Starting");
    return {
      services,
      declared: services.length,
      running: services.filter(({ state }) => state === "Running").length,
      failed: services.filter(({ state }) => state === "Failed").length,
      settled: (this.#units !== null || services.length === 0) && services.every(isSettled),
    };
  }

  statusOf(name: string): ServiceStatus {
    const found = this.#statuses().find((status) => status.name === name);
    if (found === undefined) throw new SupervisorError({ code: "UNKNOWN_SERVICE", service: name });
    return found;
  }

  async atRest(name: string, limitMs: number): Promise<ServiceStatus> {
    const { clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + limitMs;
    await this.#work;
    let status = this.statusOf(name);
    while (!this.#released && clock.monotonicMs() < deadlineMs) {
      await this.#look();
      status = this.statusOf(name);
      if (status.state !== "Stopping" && status.state !== "Starting") break;
      await new Promise<void>((resolve) => clock.setTimer(LEAST_PAUSE_MS, resolve));
    }
    return status;
  }

  logs(name: string, options: ReadLogOptions = {}): AsyncIterable<string> {
    this.statusOf(name);
    return journalLines(unitName(name), options, this.#options);
  }

  setActive(active: boolean): void {
    this.#health.stretch = active ? 2 : 1;
  }

  /** Nothing: the loop is pact's own backend's (SUP-33). */
  poll(): boolean {
    return false;
  }

  onNotice(listener: (notice: SupervisorNotice) => void): () => void {
    return this.#feed.listen(listener);
  }

  /** None ends with the agent: they are systemd's (SHD-3). */
  async stopAll(): Promise<readonly string[]> {
    this.release();
    // What systemctl is still doing ends before its agent does.
    await this.#work;
    await this.#looks;
    return [];
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    if (this.#timer !== null) this.#options.clock.clearTimer(this.#timer);
    this.#processes.close();
    this.#held.close();
  }

  /** One thing after the other: files, reloads and jobs must not overtake each other. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(() => this.#released ? undefined : work());
    this.#work = done.catch(() => {});
    return done;
  }

  async #converge(
    plan: StartPlan,
    formerlyStopped: ReadonlySet<string>,
    by: Actor,
  ): Promise<void> {
    const wanted = this.#wantedUnits(plan);
    await this.#look();
    const steps = planUnits({
      wanted,
      existing: this.#store.readAll(),
      statuses: this.#units ?? new Map(),
      formerlyStopped,
      holdOf: (service, held, changing) => this.#held.holdOf(service, held, changing),
    });
    this.#held.set(steps.hold);
    await this.#systemctl.stopAndWait(steps.remove.map(unitName));
    for (const name of steps.remove) this.#store.remove(name);
    for (const name of steps.write) await this.#store.write(name, wanted.get(name)?.text ?? "");
    if (steps.remove.length + steps.write.length > 0) await this.#systemctl.reload();
    for (const name of [...steps.start, ...steps.restart, ...steps.stop]) {
      this.#askedBy.set(name, by);
    }
    await this.#systemctl.queue("stop", steps.stop.map(unitName));
    await this.#systemctl.queue("restart", steps.restart.map(unitName));
    await this.#systemctl.queue("start", steps.start.map(unitName));
    await this.#look();
    this.#held.reconsider();
  }

  /** What had to wait is given to systemd; what waits for that in turn is looked at by its plan. */
  async #startReleased(): Promise<void> {
    try {
      await this.#enqueue(() => this.#converge(this.#plan, new Set(), SUPERVISION_LOOP));
    } catch (error) {
      this.#options.log.error("services that waited not started", { reason: String(error) });
    }
  }

  /** The units of a plan in start order; what cannot be one is left out, and said so. */
  #wantedUnits({ sequence, ranks }: StartPlan): ReadonlyMap<string, WantedUnit> {
    const { place, overlayVersion, log } = this.#options;
    const wanted = new Map<string, WantedUnit>();
    const refused = new Map<string, string>();
    const disks = this.#disks(sequence);
    for (const declaration of sequence) {
      const { name, desired } = declaration;
      try {
        const text = unitText(declaration, {
          place: place(),
          overlayVersion: overlayVersion(),
          after: namesOfLowerRank(sequence, ranks, name),
          disks,
        });
        wanted.set(name, { text, isStopped: desired === "stopped" });
      } catch (error) {
        if (!(error instanceof UnitTextError)) throw error;
        log.error(`service ${name} has no unit`, { reason: error.message });
        refused.set(name, error.message);
      }
    }
    this.#refused = refused;
    return wanted;
  }

  #disks(declarations: readonly ServiceDeclaration[]): readonly string[] {
    if (declarations.every(({ ioMaxBytesPerSecond }) => ioMaxBytesPerSecond === null)) return [];
    return this.#options.shim.files.list(BLOCK_DEVICES).map(({ name }) => name)
      .filter((name) => !/^(?:loop|ram|zram)[0-9]/.test(name))
      .map((name) => `/dev/${name.replaceAll("!", "/")}`);
  }

  #request(verb: "start" | "stop" | "restart", names: readonly string[], by: Actor): void {
    for (const name of names) this.#askedBy.set(name, by);
    this.#enqueue(async () => {
      await this.#systemctl.queue(verb, names.map(unitName));
      await this.#look();
    }).catch((error) =>
      this.#options.log.error(`${verb} of ${names.join(", ")}`, { reason: String(error) })
    );
  }

  /** Asks systemd, after whoever is asking it now. */
  #look(): Promise<void> {
    const looked = this.#looks.then(() => this.#lookOnce());
    this.#looks = looked.catch(() => {});
    return looked;
  }

  async #lookOnce(): Promise<void> {
    if (this.#released) return;
    const { clock, log } = this.#options;
    const names = this.#plan.sequence.map(({ name }) => name)
      .filter((name) => !this.#refused.has(name));
    let found: readonly UnitStatus[];
    try {
      found = await this.#systemctl.show(names.map(unitName));
    } catch (error) {
      if (!(error instanceof SystemdError)) throw error;
      if (this.#silence === "") log.error("systemd does not answer", { reason: error.message });
      this.#silence = error.message;
      return this.#lookSoon(POLL_MS);
    }
    if (this.#released) return;
    this.#silence = "";
    this.#lookedMs = clock.monotonicMs();
    const before = this.#units;
    const statuses = this.#statuses();
    this.#units = new Map(found.map((unit) => [unit.service, unit]));
    this.#processes.follow(new Map(found.map(({ service, pid }) => [service, pid])));
    if (before !== null) this.#tell(before, this.#units);
    this.#checkHealth(before !== null);
    this.#held.reconsider();
    this.#feed.announceStatuses(statuses, this.#statuses());
    const isBusy = found.some(({ state }) =>
      ["Starting", "Stopping", "Restarting"].includes(state)
    );
    this.#lookSoon(isBusy ? BUSY_POLL_MS : this.#health.nextInMs(POLL_MS));
  }

  #lookSoon(delayMs: number): void {
    const { clock, log } = this.#options;
    if (this.#released) return;
    if (this.#timer !== null) clock.clearTimer(this.#timer);
    const earliestMs = this.#lookedMs + LEAST_PAUSE_MS - clock.monotonicMs();
    this.#timer = clock.setTimer(Math.max(delayMs, earliestMs), () => {
      this.#look().catch((error) => {
        log.error("services not looked at", { reason: String(error) });
        this.#lookSoon(POLL_MS);
      });
    });
  }

  #tell(before: ReadonlyMap<string, UnitStatus>, after: ReadonlyMap<string, UnitStatus>): void {
    for (const unit of after.values()) {
      for (const { action, detail } of unitEvents(before.get(unit.service), unit)) {
        const isOurs = action === "start" || action === "stop";
        const by = isOurs ? this.#askedBy.get(unit.service) ?? SUPERVISION_LOOP : SUPERVISION_LOOP;
        this.#report(unit.service, action, by, detail);
        if (isOurs) this.#askedBy.delete(unit.service);
      }
    }
  }

  #checkHealth(seenStart: boolean): void {
    const failed = ({ name, healthRestart }: ServiceDeclaration, detail: string) => {
      this.#report(name, "health_failed", SUPERVISION_LOOP, detail);
      if (healthRestart && !this.#released) this.#request("restart", [name], SUPERVISION_LOOP);
    };
    this.#health.check(this.#plan.sequence, this.#units ?? new Map(), {
      onUnhealthy: failed,
      onLate: (declaration) => failed(declaration, "not healthy in time"),
      onAnswered: () => {
        this.#held.reconsider();
        this.#lookSoon(this.#health.nextInMs(POLL_MS));
      },
    }, seenStart);
  }

  #report(name: string, action: ReportAction, by: Actor, detail: string): void {
    const { audit, clock, log, newUuid, place } = this.#options;
    const report: ServiceReport = { name, action, by, detail, atMs: clock.nowMs() };
    log.info(`service ${name}: ${action} (${detail})`);
    audit.emit(serviceAuditEvent(report, place(), newUuid(), "systemd"));
    this.#feed.publish({ kind: "report", ...report });
  }

  #statuses(): readonly ServiceStatus[] {
    const nowUsec = this.#options.shim.system.bootTimeMs() * 1000;
    return this.#plan.sequence.map(({ name, critical, order }) => {
      const unit = this.#units?.get(name);
      const refusal = this.#refused.get(name);
      const held = this.#held.statusOf(name);
      const state = refusal === undefined ? held?.state ?? unit?.state ?? "Stopped" : "Failed";
      const upUsec = state === "Running" ? nowUsec - (unit?.activeSinceUsec ?? nowUsec) : 0;
      return {
        name,
        state,
        reason: refusal ?? held?.reason ?? unit?.reason ?? "",
        pid: unit?.pid ?? 0,
        uptimeSeconds: Math.max(0, Math.floor(upUsec / 1_000_000)),
        restartCount: unit?.restarts ?? 0,
        statusText: unit?.statusText ?? "",
        health: this.#health.wordFor(name),
        critical,
        order,
      };
    });
  }
}

/** Services of the next lower rank than this one's. */
function namesOfLowerRank(
  sequence: readonly ServiceDeclaration[],
  ranks: ReadonlyMap<string, number>,
  name: string,
): readonly string[] {
  const own = ranks.get(name) ?? 0;
  const lower = sequence.map((other) => ranks.get(other.name) ?? 0).filter((rank) => rank < own);
  const next = Math.max(...lower);
  return sequence.filter((other) => ranks.get(other.name) === next).map((other) => other.name);
}
