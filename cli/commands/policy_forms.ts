import { object } from "@optique/core/constructs";
import { multiple, optional, withDefault } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";
import { action } from "./action.ts";
import { type ActionParser, define, say, word } from "./parsing.ts";
import { explainPolicy } from "./policy_explain.ts";

/** `pact policy ...`: what the policies say, and what others would. */
export const policyCommand: ActionParser = define(
  "explain",
  "Show what would be decided, and the chain that leads there.",
  object({
    action: argument(word("ACTION")),
    scope: argument(word("SCOPE")),
    principal: optional(option("--principal", word("WHO"), {
      description: say("About whom; by default about you."),
    })),
    roles: multiple(option("--role", word("ROLE"), {
      description: say("A role WHO holds; may be repeated."),
    })),
    type: withDefault(
      option("--type", choice(["Human", "Service", "Agent"], { metavar: "TYPE" }), {
        description: say("What WHO is: Human (default), Service or Agent."),
      }),
      "Human" as const,
    ),
    command: multiple(argument(word("CMD"))),
  }),
  (options) => action((context) => explainPolicy(context, options)),
  {
    footer: say(
      "SCOPE is global, vc:NAME or node:ID. For exec, put -- before the command it is about. " +
        "Only agents, platform admins and who operates the vCluster may ask about others.",
    ),
  },
);
