/**
 * Changes an interface that carries the management network, and changes it back when no journal can be
 * reached over it (NET-8). It owns one timer while a change waits, and ends by `close`.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { type Files, isShimError } from "../../ffi/mod.ts";
import { type InterfaceSpec, interfaceSpecOfText, textOfInterfaceSpec } from "../interfaces/mod.ts";
import {
  type ConfirmEffect,
  type ConfirmEvent,
  type ConfirmState,
  stepConfirm,
  type UnconfirmedChange,
} from "./confirm_machine.ts";
import { describeInterface } from "./describe.ts";
import type { NetworkManager } from "./manager.ts";
import { linkNamed } from "./snapshot.ts";

const MAX_NOTE_BYTES = 256 * 1024;

/** What confirmed changes work with. */
export interface ConfirmedChangeOptions {
  readonly manager: NetworkManager;
  readonly files: Files;
  readonly clock: Clock;
  readonly bootMs: () => number;
  readonly log: Logger;
  /** Where an unconfirmed change is noted, on tmpfs: a reboot forgets it with the change. */
  readonly notePath: string;
  /** Connections to the journal are made anew; `reached` is called when one stands. */
  readonly reach: () => void;
  /** An interface is as declared, and confirmed: the next boot may begin with it (NET-2). */
  readonly onConfirmed: (name: string, text: string) => void;
  readonly onReverted: (name: string, reason: string) => void;
}

export class ConfirmedChange {
  #state: ConfirmState = { kind: "idle" };
  #timer: TimerHandle | undefined;
  #outcome: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #restoring: Promise<void> = Promise.resolve();

  constructor(private readonly options: ConfirmedChangeOptions) {}

  /**
   * Brings the interface to its specification; resolves once a journal was reached over it.
   *
   * @throws {Error} saying why it was changed back.
   */
  async change(spec: InterfaceSpec): Promise<void> {
    const { manager } = this.options;
    const former = this.#formerOf(spec.name);
    try {
      await manager.configure(spec);
    } catch (error) {
      if (former !== undefined) await this.#restore(former, String(error));
      throw error;
    }
    if (former === undefined) return;
    const settled = Promise.withResolvers<void>();
    this.#outcome = settled;
    const change = {
      name: spec.name,
      former: textOfInterfaceSpec(former),
      wanted: textOfInterfaceSpec(spec),
    };
    this.#take({ kind: "changed", change });
    try {
      await settled.promise;
    } finally {
      this.#outcome = undefined;
    }
  }

  /** A journal answered over a connection made after the change. */
  reached(): void {
    this.#take({ kind: "reached" });
  }

  /** Takes back what an agent of this boot left unconfirmed. */
  async recover(): Promise<void> {
    const change = this.#readNote();
    if (change === undefined) return;
    this.#take({ kind: "found", change });
    await this.#restoring;
  }

  close(): void {
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
    // The note stays: the next agent takes the change back.
    this.#outcome?.reject(new Error("the agent is stopping"));
  }

  #formerOf(name: string): InterfaceSpec | undefined {
    const { manager } = this.options;
    const kept = manager.specOf(name);
    if (kept !== undefined) return kept;
    const snapshot = manager.snapshot();
    const link = linkNamed(snapshot, name);
    return link === undefined ? undefined : describeInterface(link, snapshot);
  }

  #take(event: ConfirmEvent): void {
    const { state, effects } = stepConfirm(this.#state, event, this.options.bootMs());
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: ConfirmEffect): void {
    switch (effect.kind) {
      case "note":
        return this.#writeNote(effect.change);
      case "forget":
        return this.#removeNote();
      case "reach":
        return this.options.reach();
      case "wakeAt":
        return this.#wakeAt(effect.atMs);
      case "confirmed":
        this.options.onConfirmed(effect.change.name, effect.change.wanted);
        return this.#outcome?.resolve();
      case "restore": {
        const { change, reason } = effect;
        this.#restoring = this.#restore(interfaceSpecOfText(change.name, change.former), reason)
          .finally(() => this.#outcome?.reject(new Error(`reverted: ${reason}`)));
      }
    }
  }

  async #restore(former: InterfaceSpec, reason: string): Promise<void> {
    const { manager, log, onReverted } = this.options;
    try {
      await manager.configure(former);
      onReverted(former.name, reason);
    } catch (error) {
      log.error("former network not restored", { interface: former.name, error: String(error) });
    }
  }

  #wakeAt(atMs: number): void {
    const { clock, bootMs } = this.options;
    if (this.#timer !== undefined) clock.clearTimer(this.#timer);
    this.#timer = clock.setTimer(Math.max(1, atMs - bootMs()), () => {
      this.#timer = undefined;
      // Two clocks: the timer's may be ahead by a little.
      if (bootMs() < atMs) this.#wakeAt(atMs);
      else this.#take({ kind: "due" });
    });
  }

  #writeNote(change: UnconfirmedChange): void {
    const { files, notePath, log } = this.options;
    try {
      files.writeAtomicSync(notePath, JSON.stringify(change), { mode: 0o600 });
    } catch (error) {
      if (!isShimError(error)) throw error;
      log.warn("unconfirmed network not noted", { reason: error.message });
    }
  }

  #removeNote(): void {
    const { files, notePath } = this.options;
    if (files.lstatIfPresent(notePath) !== null) files.unlink(notePath);
  }

  #readNote(): UnconfirmedChange | undefined {
    const { files, notePath, log } = this.options;
    if (files.lstatIfPresent(notePath) === null) return undefined;
    try {
      const value: unknown = JSON.parse(files.readText(notePath, { maxBytes: MAX_NOTE_BYTES }));
      if (isChange(value)) return value;
    } catch (error) {
      log.error("note of an unconfirmed network ignored", { error: String(error) });
    }
    return undefined;
  }
}

function isChange(value: unknown): value is UnconfirmedChange {
  return typeof value === "object" && value !== null &&
    "name" in value && typeof value.name === "string" &&
    "former" in value && typeof value.former === "string" &&
    "wanted" in value && typeof value.wanted === "string";
}
