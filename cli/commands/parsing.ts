import type { Message } from "@optique/core/message";
import { text } from "@optique/core/message";
import { map } from "@optique/core/modifiers";
import type { NonEmptyString } from "@optique/core/nonempty";
import type { Parser } from "@optique/core/parser";
import { command, type CommandOptions } from "@optique/core/primitives";
import { string, type ValueParser } from "@optique/core/valueparser";
import { parseDuration } from "../output/mod.ts";
import type { NotedEntry } from "../../common/verify/mod.ts";
import type { Action } from "./action.ts";

/** A parser whose value is a command ready to run. */
export type ActionParser = Parser<"sync", Action, unknown>;

/** Plain words as a help text: nothing in them is markup. */
export function say(words: string): Message {
  return [text(words)];
}

/** A command of a group: its name, one line about it, its arguments, and what they make of it. */
export function define<Value, State>(
  name: string,
  brief: string,
  parser: Parser<"sync", Value, State>,
  toAction: (args: Value) => Action,
  options: CommandOptions = {},
): ActionParser {
  return command(name, withAction(parser, toAction), { description: say(brief), ...options });
}

/** What a command takes, and what that makes it do. */
export function withAction<Value, State>(
  parser: Parser<"sync", Value, State>,
  toAction: (args: Value) => Action,
): ActionParser {
  return map(parser, toAction);
}

/** A word, named for the help. */
export function word(metavar: NonEmptyString): ValueParser<"sync", string> {
  return string({ metavar });
}

/** A log sequence: a whole number from 0 that a document can hold. */
export function sequence(): ValueParser<"sync", number> {
  return parsed(
    "SEQ",
    0,
    "a log sequence such as 42",
    (text) => /^#?[0-9]{1,15}$/.test(text) ? Number(text.replace("#", "")) : undefined,
  );
}

/** An entry and its hash, as `41:9f86d0...`. */
export function notedEntry(): ValueParser<"sync", NotedEntry> {
  return parsed<NotedEntry>(
    "SEQ:HASH",
    { sequence: 0, hash: "" },
    "a sequence and the 64 digits of its hash, such as 41:9f86d0...",
    (text) => {
      const match = /^#?([0-9]{1,15}):([0-9a-f]{64})$/.exec(text);
      return match === null ? undefined : { sequence: Number(match[1]), hash: match[2] ?? "" };
    },
  );
}

/** Seconds, as `90`, `15m`, `2h` or `10d` (CLI-60). */
export function duration(): ValueParser<"sync", number> {
  return parsed("DUR", 0, "a duration such as 900, 15m, 2h or 10d", parseDuration);
}

/** A moment: RFC 3339, or how long ago. */
export type Moment = { readonly agoSeconds: number } | { readonly epochMs: number };

/** A moment as `2026-01-31T12:00:00Z`, `2026-01-31` or `2h` (that long ago). */
export function moment(): ValueParser<"sync", Moment> {
  return parsed<Moment>(
    "TIME",
    { epochMs: 0 },
    "a time such as 2026-01-31T12:00:00Z, or 2h for two hours ago",
    (text) => {
      const agoSeconds = /[smhd]$/.test(text) ? parseDuration(text) : undefined;
      if (agoSeconds !== undefined) return { agoSeconds };
      const epochMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : NaN;
      return Number.isNaN(epochMs) ? undefined : { epochMs };
    },
  );
}

/** The instant a moment means, in epoch milliseconds. */
export function momentMs(moment: Moment, nowMs: number): number {
  return "epochMs" in moment ? moment.epochMs : nowMs - moment.agoSeconds * 1000;
}

function parsed<Value>(
  metavar: NonEmptyString,
  placeholder: Value,
  expected: string,
  read: (text: string) => Value | undefined,
): ValueParser<"sync", Value> {
  return {
    mode: "sync",
    metavar,
    placeholder,
    parse(input) {
      const value = read(input);
      return value === undefined
        ? { success: false, error: say(`expected ${expected}, got "${input}"`) }
        : { success: true, value };
    },
    format: (value) => typeof value === "object" ? JSON.stringify(value) : String(value),
  };
}
