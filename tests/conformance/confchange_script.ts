import {
  changeSimply,
  enterJoint,
  leaveJoint,
  MembershipError,
  type Reconfiguration,
  type SingleChange,
  Tracker,
} from "../../journal/raft/mod.ts";
import { optionsOf, parseBoolean } from "./arguments.ts";
import { parseChanges } from "./change_tokens.ts";
import { CommandError } from "./command_error.ts";
import { describeConfiguration, describeProgress } from "./describe.ts";
import { type Directive, ScriptError } from "./script.ts";

const MAX_INFLIGHT = 10;

/** Membership arithmetic alone: a configuration that starts empty, and no log. */
export class ConfChangeScript {
  readonly #tracker = new Tracker({ maxCount: MAX_INFLIGHT, maxBytes: Infinity });
  #lastIndex = 0;

  /** @throws {ScriptError} */
  run(directive: Directive): string {
    try {
      const changes = parseChanges(directive.input);
      const next = this.#change(directive, changes);
      this.#tracker.adopt(next, this.#lastIndex);
    } catch (error) {
      if (error instanceof MembershipError || error instanceof CommandError) return error.message;
      throw error;
    } finally {
      this.#lastIndex++;
    }
    const configuration = describeConfiguration(this.#tracker.configuration);
    return `${configuration}\n${describeProgress(this.#tracker.members())}`;
  }

  #change({ command, args }: Directive, changes: readonly SingleChange[]): Reconfiguration {
    const { configuration } = this.#tracker;
    switch (command) {
      case "simple":
        return changeSimply(configuration, changes);
      case "enter-joint": {
        let autoLeave = false;
        for (const [key, value] of optionsOf(args)) {
          if (key !== "autoleave") throw new ScriptError(`unknown argument ${key}`);
          autoLeave = parseBoolean(value);
        }
        return enterJoint(configuration, changes, autoLeave);
      }
      case "leave-joint":
        if (changes.length > 0) throw new CommandError("this command takes no input");
        return leaveJoint(configuration);
      default:
        throw new CommandError("unknown command");
    }
  }
}
