import { object, or } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { argument } from "@optique/core/primitives";
import { action } from "./action.ts";
import { enroll, enrollParser } from "./enroll.ts";
import { enrollmentStatus } from "./node.ts";
import { type ActionParser, define, withAction, word } from "./parsing.ts";

/** `pact enroll NODE --hardware-id ID`, `--batch FILE` and `pact enroll status` (CLI-113, CLI-114). */
export const enrollCommand: ActionParser = or(
  define(
    "status",
    "Show the registered nodes, or one of them.",
    object({ node: optional(argument(word("NODE"))) }),
    ({ node }) => action((context) => enrollmentStatus(context, node)),
  ),
  withAction(enrollParser, (options) => action((context) => enroll(context, options))),
);
