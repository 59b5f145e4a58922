/**
 * The talk with the worker until the configuration is read. Once that is done the worker has no say
 * in which files are read any more: by then it listens to strangers.
 */

import type { agentport } from "../../api/mod.ts";
import type { Files } from "../../ffi/mod.ts";
import { type CorePort, FrameError } from "../port/mod.ts";
import { addWantedFiles, ConfigurationError } from "./configure.ts";

/** Rounds of "these files are named, send them". */
const MAX_ROUNDS = 3;

/** See above; `configured` settles once. */
export class ConfigureExchange {
  readonly #done = Promise.withResolvers<agentport.AgentConfig>();
  #isOver = false;
  #rounds = 0;

  constructor(private readonly files: Files, private readonly frame: agentport.Configure) {
    // Whoever waits gets the reason; nobody may be waiting yet.
    this.#done.promise.catch(() => {});
  }

  get configured(): Promise<agentport.AgentConfig> {
    return this.#done.promise;
  }

  begin(port: CorePort): void {
    port.send({ case: "configure", value: this.frame });
  }

  /** @throws {FrameError} when the configuration has been read already. */
  onFrame(
    frame: Extract<agentport.WorkerFrame["frame"], { case: "configured" | "configRefused" }>,
    port: CorePort,
  ): void {
    if (this.#isOver) throw new FrameError(`${frame.case} after the configuration was read`);
    if (frame.case === "configured") {
      this.#isOver = true;
      return this.#done.resolve(frame.value);
    }
    const { reason, wantedFiles } = frame.value;
    if (wantedFiles.length === 0 || ++this.#rounds > MAX_ROUNDS) return this.fail(reason);
    try {
      addWantedFiles(this.files, this.frame, frame.value);
      this.begin(port);
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  fail(reason: string): void {
    this.#isOver = true;
    this.#done.reject(new ConfigurationError(reason));
  }
}
