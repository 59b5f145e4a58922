import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import {
  type MountAction,
  type MountEffect,
  MountError,
  type MountEvent,
  type MountHandle,
  type MountState,
  type MountStep,
  recordMount,
  stepMount,
} from "../../contracts/mod.ts";
import type { KernelMounts } from "./kernel_mounts.ts";
import type { MountRow } from "./table_file.ts";

/*
 * Shell: one shared mount: performs what its machine says, one thing after the other. Owns its hold timer
 * and those who wait for an answer; ends when it is unmounted, or by `release` with the agent.
 */

/** What a mount needs done for it. */
export interface MountDuties {
  readonly clock: Clock;
  readonly log: Logger;
  readonly kernel: KernelMounts;
  /** Milliseconds that go on while the agent does not: boot time. */
  readonly nowMs: () => number;
  readonly holdTimeMs: number;
  /** Shows the mount in the namespace of an allocation that has one. */
  bindInto(allocationId: string, handle: MountHandle): Promise<void>;
  /** Tells the record. `isFirst`: the effects after it wait until it is durable, or do not happen (AS-6). */
  audit(
    action: MountAction,
    allocationIds: readonly string[],
    detail: string,
    isFirst: boolean,
  ): Promise<void>;
  /** The state changed: a new agent would have to know. */
  changed(): void;
}

interface Waiter {
  resolve(handle: MountHandle): void;
  reject(error: unknown): void;
}

/** One image that is, will be, or was mounted. */
export class SharedMount {
  #state: MountState;
  #timer: TimerHandle | undefined;
  #waiters = new Map<string, Waiter[]>();
  #performing: Promise<void> = Promise.resolve();
  #isStopping = false;

  constructor(
    readonly handle: MountHandle,
    readonly realPath: string,
    readonly identity: string,
    state: MountState,
    private readonly duties: MountDuties,
  ) {
    this.#state = state;
  }

  get state(): MountState {
    return this.#state;
  }

  /** Resolves when everything begun is done, and what follows from it. */
  async settled(): Promise<void> {
    let last: Promise<void> | undefined;
    while (last !== this.#performing) {
      last = this.#performing;
      await last;
    }
  }

  /** What a new agent has to know; null for nothing. */
  get row(): MountRow | null {
    const record = recordMount(this.handle, this.#state);
    return record && { ...record, realPath: this.realPath, identity: this.identity };
  }

  holds(allocationId: string): boolean {
    return (recordMount(this.handle, this.#state)?.holders ?? []).includes(allocationId) ||
      (this.#state.name === "Unmounting" && this.#state.waiters.includes(allocationId));
  }

  /** A reference for an allocation. @throws {MountError} MountFailed */
  acquire(allocationId: string): Promise<MountHandle> {
    const { promise, resolve, reject } = Promise.withResolvers<MountHandle>();
    const waiters = this.#waiters.get(allocationId) ?? [];
    this.#waiters.set(allocationId, [...waiters, { resolve, reject }]);
    this.on({ type: "acquire", allocationId });
    return promise;
  }

  /** Gives a reference back. @throws {MountError} RefcountInconsistency */
  release(allocationId: string): void {
    this.on({ type: "release", allocationId });
  }

  /**
   * Unmounts whatever uses it, once that is on the record (AS-6).
   *
   * @throws {MountError} outside an emergency, or when not mounted
   * @throws {AuditSinkError} when the record cannot be made durable; nothing was done then
   */
  async force(emergency: boolean): Promise<void> {
    const planned = this.#step({ type: "forceUnmount", emergency });
    refuseAsTold(planned);
    for (const effect of planned.effects) {
      if (effect.type !== "audit") continue;
      await this.duties.audit(effect.action, effect.allocationIds, effect.detail, true);
    }
    const { state, effects } = this.#step({ type: "forceUnmount", emergency });
    this.perform({ state, effects: effects.filter(({ type }) => type !== "audit") });
    await this.#performing;
  }

  /** Takes an event; the effects follow those of earlier events. @throws {MountError} a refusal */
  on(event: MountEvent): void {
    this.perform(this.#step(event));
  }

  /** Takes a state over, with what is to be done for it. @throws {MountError} a refusal */
  perform(step: MountStep): void {
    refuseAsTold(step);
    const { state, effects } = step;
    const isChanged = state !== this.#state;
    this.#state = state;
    if (isChanged) this.duties.changed();
    if (effects.length > 0) this.#performing = this.#performing.then(() => this.#all(effects));
  }

  /** The agent ends; the mount stays. What has begun is brought to its end. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#timer !== undefined) this.duties.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    await this.settled();
  }

  #step(event: MountEvent): MountStep {
    const { holdTimeMs, nowMs } = this.duties;
    // A timer that fires early by another clock is due all the same.
    const due = event.type === "holdExpired" && this.#state.name === "HoldForCache"
      ? this.#state.expiresAtMs
      : 0;
    const context = { handle: this.handle, holdTimeMs };
    return stepMount(this.#state, event, Math.max(nowMs(), due), context);
  }

  async #all(effects: readonly MountEffect[]): Promise<void> {
    for (const effect of effects) {
      try {
        await this.#one(effect);
      } catch (error) {
        const { imagePath } = this.handle;
        this.duties.log.error("mount operation failed", { image: imagePath, error: String(error) });
      }
    }
  }

  async #one(effect: MountEffect): Promise<void> {
    const { clock, log, kernel, audit } = this.duties;
    const { mountPoint } = this.handle;
    switch (effect.type) {
      case "mount":
        return await this.#mount();
      case "unmount":
        return await this.#unmount();
      case "forceUnmount":
        return await kernel.detach(mountPoint);
      case "removeDirectory":
        return kernel.removeDirectory(mountPoint);
      case "grant":
        return await this.#grant(effect.allocationId);
      case "reject":
        return this.#settle(effect.allocationId, (waiter) => waiter.reject(effect.error));
      case "startHoldTimer":
        if (this.#timer !== undefined) clock.clearTimer(this.#timer);
        if (this.#isStopping) return;
        this.#timer = clock.setTimer(effect.delayMs, () => this.on({ type: "holdExpired" }));
        return;
      case "cancelHoldTimer":
        if (this.#timer !== undefined) clock.clearTimer(this.#timer);
        this.#timer = undefined;
        return;
      case "warn":
        return log.warn("image not unmounted", { reason: effect.error.message });
      case "audit":
        return await audit(effect.action, effect.allocationIds, effect.detail, false);
      case "refuse":
        throw effect.error;
    }
  }

  async #mount(): Promise<void> {
    try {
      await this.duties.kernel.mount(this.realPath, this.handle.mountPoint);
      this.on({ type: "mounted" });
    } catch (error) {
      this.on({ type: "mountFailed", reason: error instanceof Error ? error.message : `${error}` });
    }
  }

  async #unmount(): Promise<void> {
    const result = await this.duties.kernel.unmount(this.handle.mountPoint);
    this.on(
      result === "done" ? { type: "unmounted" } : {
        type: "unmountBusy",
        holders: result.busy,
      },
    );
  }

  async #grant(allocationId: string): Promise<void> {
    try {
      await this.duties.bindInto(allocationId, this.handle);
      this.#settle(allocationId, (waiter) => waiter.resolve(this.handle));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const { imagePath } = this.handle;
      if (this.holds(allocationId)) this.release(allocationId);
      this.#settle(
        allocationId,
        (waiter) =>
          waiter.reject(
            new MountError({ kind: "MountFailed", imagePath, reason }, { cause: error }),
          ),
      );
    }
  }

  #settle(allocationId: string, settle: (waiter: Waiter) => void): void {
    const waiters = this.#waiters.get(allocationId) ?? [];
    this.#waiters.delete(allocationId);
    waiters.forEach(settle);
  }
}

function refuseAsTold({ effects }: MountStep): void {
  const refusal = effects.find((effect) => effect.type === "refuse");
  if (refusal !== undefined) throw refusal.error;
}
